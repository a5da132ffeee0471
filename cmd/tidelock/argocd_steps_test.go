package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsv1client "k8s.io/client-go/kubernetes/typed/apps/v1"

	"github.com/tidelock-io/tidelock/agent/migrate"
	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// stepVerbs are for the one story that does what `tidelock migrate` says.
var stepVerbs = []verb{
	{"obey [NAME=VALUE...]: from now on run a real Argo CD, with variables, and an agent as the workloads of the agent's namespace say, for whose Pods there is nothing else that runs", 0, -1, (*scene).obey},
	{"step N [APP]: run the commands that tidelock migrate prints for a step, as they are, once nothing is to be waited for", 1, 2, (*scene).step},
}

// obedience runs processes in the place of the Pods that a simulated kubelet does not run.
type obedience struct {
	argo      *testenv.ArgoCD
	argoRuns  bool
	agent     *testenv.Agent
	agentArgs string // of the one that runs; "" if none does

	mu  sync.Mutex // guards all below
	url string     // of the agent that runs
	err error      // why nobody obeys any more
}

func (s *scene) obey(settings []string) error {
	if err := s.disown(s.ctx); err != nil {
		return err
	}
	s.obedience = &obedience{}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.obedience.note(s.follow(ctx, settings))
	}()
	s.ts.Defer(func() {
		cancel()
		<-ended
		s.ts.Check(s.obedience.said())
	})
	return nil
}

func (o *obedience) note(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err, o.url = errors.Join(o.err, err), ""
}

func (o *obedience) said() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

func (o *obedience) reachedAt(url string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.url = url
}

// follow keeps what runs as the workloads say, until ctx ends, and then nothing.
func (s *story) follow(ctx context.Context, settings []string) error {
	o, apps := s.obedience, s.cluster.Typed.AppsV1()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		argo, args, err := wantedBy(ctx, apps, s.namespace)
		if ctx.Err() != nil {
			argo, args, err = false, "", nil
		}
		if err == nil {
			err = errors.Join(s.runArgo(o, argo, settings), s.runAgent(o, args))
		}
		if err != nil || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// wantedBy says whether Argo CD's controllers are to run, and with which arguments an
// agent is; "" if none is. Argo CD's run together: they do when both are to.
func wantedBy(ctx context.Context, apps appsv1client.AppsV1Interface, namespace string) (argo bool, agent string, err error) {
	controller, err := apps.StatefulSets(namespace).Get(ctx, "argocd-application-controller", metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return false, "", err
	}
	argo = err == nil && *controller.Spec.Replicas > 0
	sets, err := apps.Deployments(namespace).Get(ctx, "argocd-applicationset-controller", metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return false, "", err
	}
	argo = argo && err == nil && *sets.Spec.Replicas > 0
	tidelock, err := apps.Deployments(namespace).Get(ctx, "tidelock", metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return false, "", err
	}
	if err == nil && *tidelock.Spec.Replicas > 0 {
		agent = strings.Join(argumentsOf(tidelock), " ")
	}
	return argo, agent, nil
}

// argumentsOf are those of a Deployment's agent, but for directories of its container.
func argumentsOf(d *appsv1.Deployment) []string {
	return slices.DeleteFunc(slices.Clone(d.Spec.Template.Spec.Containers[0].Args[1:]), func(arg string) bool {
		return strings.HasPrefix(arg, "--cache-dir=") || strings.HasPrefix(arg, "--plugin-scratch-dir=")
	})
}

func (s *story) runArgo(o *obedience, runs bool, settings []string) (err error) {
	switch {
	case runs == o.argoRuns:
		return nil
	case !runs:
		err = o.argo.Stop()
	case o.argo != nil:
		err = o.argo.Start(context.Background())
	default:
		o.argo, err = testenv.StartArgoCD(context.Background(), testenv.ArgoCDOptions{
			Binary: os.Getenv(testenv.ArgoCDVariable), Kubeconfig: s.cluster.Kubeconfig, Namespace: s.namespace,
			Dir: filepath.Join(s.dir, ".argocd"), Env: settings,
		})
	}
	o.argoRuns = runs && err == nil
	return err
}

func (s *story) runAgent(o *obedience, args string) (err error) {
	if args == o.agentArgs {
		return nil
	}
	if o.agentArgs != "" {
		o.reachedAt("")
		o.agentArgs = ""
		if err := o.agent.Stop(); err != nil {
			return err
		}
	}
	if args == "" {
		return nil
	}
	o.agent, err = testenv.StartAgent(context.Background(), testenv.AgentOptions{
		Binary: s.bin.Tidelock, Kubeconfig: s.kubeconfig, Dir: s.agentDir(), Flags: strings.Fields(args),
	})
	if err == nil {
		o.agentArgs = args
		o.reachedAt(o.agent.URL)
	}
	return err
}

// reach is where the agent is reached that runs, or will soon.
func (s *scene) reach() (url string, err error) {
	err = s.until("an agent that runs", func() (bool, error) {
		s.obedience.mu.Lock()
		defer s.obedience.mu.Unlock()
		url = s.obedience.url
		return url != "", s.obedience.err
	})
	return url, err
}

func (s *scene) step(args []string) error {
	var step migrate.Step
	err := s.until("what step "+args[0]+" waits for", func() (bool, error) {
		text, err := s.shell("tidelock migrate -o json -n " + s.namespace)
		if err != nil {
			return false, err
		}
		var plan migrate.Plan
		if err := json.Unmarshal(text, &plan); err != nil {
			return false, err
		}
		i := slices.Index([]string{"1", "2", "3", "4", "5", "6", "7", "8", "9"}, args[0])
		if i < 0 || i >= len(plan.Steps) {
			return false, fmt.Errorf("there is no step %s", args[0])
		}
		step = plan.Steps[i]
		return step.Wait == "", nil
	})
	if err != nil {
		return err
	}
	if len(step.Commands) == 0 {
		return fmt.Errorf("step %s has no commands", args[0])
	}
	for _, command := range step.Commands {
		if len(args) > 1 {
			command = strings.ReplaceAll(command, " APP ", " "+args[1]+" ")
		}
		if err := s.command(command); err != nil {
			return err
		}
	}
	return s.obedience.said()
}

// command runs one that tidelock migrate prints. The report it asks for until nothing
// differs, as the step says, and of the agent itself: the API server reaches no Pod here.
func (s *scene) command(command string) error {
	s.ts.Logf("$ %s", command)
	if !strings.HasPrefix(command, "tidelock migrate report") {
		text, err := s.shell(command)
		s.ts.Logf("%s", text)
		return err
	}
	url, err := s.reach()
	if err != nil {
		return err
	}
	return s.until("a report in which nothing differs", func() (bool, error) {
		text, err := s.shell(command + " --url " + url)
		var status *exec.ExitError
		if errors.As(err, &status) && status.ExitCode() == exitDiffers {
			return false, nil
		}
		s.ts.Logf("%s", text)
		return err == nil, err
	})
}

// shell runs a command as somebody who may do anything.
func (s *scene) shell(command string) ([]byte, error) {
	cmd := exec.CommandContext(s.ctx, "sh", "-c", command)
	cmd.Env = append(os.Environ(), "PATH="+s.ts.Getenv("PATH"), "KUBECONFIG="+s.cluster.Kubeconfig, "HOME="+filepath.Join(s.dir, ".tmp"))
	var talk strings.Builder
	cmd.Stderr = &talk
	text, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s%s", command, err, text, talk.String())
	}
	return text, err
}
