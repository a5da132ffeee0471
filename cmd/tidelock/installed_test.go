package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/install"
	"github.com/tidelock-io/tidelock/agent/shard"
	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// TestInstalled runs stories of agents that are installed by what `tidelock install`
// prints, with the rights that it gives. Whatever is forbidden to one fails its story,
// and so does a right that it has not used.
func TestInstalled(t *testing.T) {
	t.Parallel()
	whole(t)
	const dir = "testdata/installed"
	stories, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var users []string
	for _, s := range stories {
		users = append(users, testenv.ServiceAccountUser("agent-"+strings.TrimSuffix(s.Name(), ".txtar"), install.Name))
	}
	w := newWorld(t, users...)
	all := commands()
	all["rights"] = func(ts *testscript.TestScript, _ bool, args []string) {
		s := ts.Value(theStory).(*story)
		set, err := manifest.Parse([]byte(ts.ReadFile(args[0])), manifest.Origin{File: args[0]})
		ts.Check(err)
		if !looksOn(set) {
			ts.Check(s.renewTwice(t.Context()))
		}
		ts.Check(s.agent.Stop()) // it deletes its Lease
		s.running = false
		ts.Check(rights(s.cluster.Audit, testenv.ServiceAccountUser(s.namespace, install.Name), set))
	}
	all["restricted"] = func(ts *testscript.TestScript, _ bool, args []string) {
		set, err := manifest.Parse([]byte(ts.ReadFile(args[0])), manifest.Origin{File: args[0]})
		ts.Check(err)
		ts.Check(ts.Value(theStory).(*story).restricted(t.Context(), set))
	}
	all["unapply"] = func(ts *testscript.TestScript, _ bool, args []string) {
		set, err := manifest.Parse([]byte(ts.ReadFile(args[0])), manifest.Origin{File: args[0]})
		ts.Check(err)
		ts.Check(ts.Value(theStory).(*story).unapply(t.Context(), set))
	}
	all["contend"] = func(ts *testscript.TestScript, _ bool, args []string) {
		ts.Check(ts.Value(theStory).(*story).contend(t.Context(), args[0]))
	}
	all["another"] = func(ts *testscript.TestScript, _ bool, args []string) {
		s := ts.Value(theStory).(*story)
		agent, err := testenv.StartAgent(t.Context(), testenv.AgentOptions{
			Binary: s.bin.Tidelock, Kubeconfig: s.kubeconfig, Dir: s.agentDir() + "-2", SealedSecretsNamespace: s.namespace,
			Flags: append([]string{"--namespace", s.namespace}, args...),
		})
		ts.Check(err)
		ts.Defer(func() { ts.Check(agent.Stop()) })
	}
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			if err := w.begin(t.Context(), env); err != nil {
				return err
			}
			env.Setenv("ADMIN", w.cluster.Kubeconfig)
			s := env.Values[theStory].(*story)
			if s.namespace == "agent-shadow" {
				return nil // it is given others at its start
			}
			return s.disown(t.Context())
		},
		Cmds: all,
	})
}

// looksOn says that an installation is of an agent that looks on.
func looksOn(installation manifest.Set) bool {
	return slices.ContainsFunc(installation, func(o *manifest.Object) bool {
		return o.Key.Kind == "Deployment" && strings.Contains(string(o.Reveal()), `"--shadow"`)
	})
}

// restricted has the API server judge the Pod of an installation in a namespace that
// takes only what is restricted: as it is, and if it asked for more.
func (s *story) restricted(ctx context.Context, installation manifest.Set) error {
	const level = "pod-security.kubernetes.io/enforce"
	namespace := s.namespace + "-restricted"
	made := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: map[string]string{level: "restricted"}}}
	if _, err := s.cluster.Typed.CoreV1().Namespaces().Create(ctx, made, metav1.CreateOptions{}); err != nil {
		return err
	}
	i := slices.IndexFunc(installation, func(o *manifest.Object) bool { return o.Key.Kind == "Deployment" })
	var deployment appsv1.Deployment
	if err := json.Unmarshal(installation[i].Reveal(), &deployment); err != nil {
		return err
	}
	accounts := s.cluster.Typed.CoreV1().ServiceAccounts(namespace)
	if _, err := accounts.Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: install.Name}}, metav1.CreateOptions{}); err != nil {
		return err
	}
	create := func(spec corev1.PodSpec) error {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "tried"}, Spec: spec}
		_, err := s.cluster.Typed.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}
	if err := create(deployment.Spec.Template.Spec); err != nil {
		return fmt.Errorf("the Pod is not taken where only what is restricted is: %w", err)
	}
	more := deployment.Spec.Template.Spec.DeepCopy()
	more.Containers[0].SecurityContext.Capabilities.Drop = nil
	if err := create(*more); err == nil || !strings.Contains(err.Error(), "violates PodSecurity") {
		return errors.Join(errors.New("a Pod that drops no capabilities is taken, too"), err)
	}
	return nil
}

// unapply deletes objects one after the other, as kubectl delete -f does.
func (s *story) unapply(ctx context.Context, set manifest.Set) error {
	for _, o := range set {
		mapping, err := s.kinds.RESTMapping(o.Key.GroupKind(), o.Version)
		if err != nil {
			return err
		}
		if err := s.cluster.Dynamic.Resource(mapping.Resource).Namespace(o.Key.Namespace).Delete(ctx, o.Key.Name, metav1.DeleteOptions{}); err != nil {
			return fmt.Errorf("delete %s: %w", o.Key, err)
		}
	}
	return nil
}

// contend writes to an Application, whenever the agent may be writing to it, until it
// has read it anew because somebody else was first.
func (s *story) contend(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	read := testenv.Use{
		User: testenv.ServiceAccountUser(s.namespace, install.Name), Verb: "get",
		Group: api.GroupVersion.Group, Resource: api.ApplicationResource, Namespace: s.namespace,
	}
	client := s.cluster.Dynamic.Resource(testenv.Applications).Namespace(s.namespace)
	for n := 0; ; n++ {
		patch := fmt.Appendf(nil, `{"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal", "n": "%d"}}}`, n)
		if _, err := client.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: kubectl}); err != nil {
			return fmt.Errorf("write to Application %s at the same time as the agent: %w", name, err)
		}
		uses, err := s.cluster.Audit.Uses()
		if err != nil || uses[read] {
			return err
		}
	}
}

// renewTwice writes to each replica's Lease, as if the answer to a renewal had been lost,
// and waits until the replica has read and renewed it.
func (s *story) renewTwice(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	leases := s.cluster.Typed.CoordinationV1().Leases(s.namespace)
	list, err := leases.List(ctx, metav1.ListOptions{LabelSelector: shard.LabelMember})
	if err != nil {
		return err
	}
	if len(list.Items) == 0 {
		return errors.New("there are no Leases")
	}
	for _, l := range list.Items {
		patch := []byte(`{"metadata": {"annotations": {"test": "touched"}}}`) // gone with the next renewal
		touched, err := leases.Patch(ctx, l.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: kubectl})
		if err != nil {
			return err
		}
		err = wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
			now, err := leases.Get(ctx, l.Name, metav1.GetOptions{})
			return err == nil && now.ResourceVersion != touched.ResourceVersion, err
		})
		if err != nil {
			return fmt.Errorf("wait for a renewal of Lease %s: %w", l.Name, err)
		}
	}
	return nil
}

// disown takes the agent's rights away, to be given by the story.
func (s *story) disown(ctx context.Context) error {
	name := s.namespace + ":" + install.Name
	rbac := s.cluster.Typed.RbacV1()
	return errors.Join(
		rbac.ClusterRoleBindings().Delete(ctx, name, metav1.DeleteOptions{}),
		rbac.ClusterRoles().Delete(ctx, name, metav1.DeleteOptions{}),
	)
}

// rights compares what a user has made use of with the Roles of an installation.
func rights(log *testenv.AuditLog, user string, installation manifest.Set) error {
	uses, err := log.Uses()
	if err != nil {
		return err
	}
	var wrong []string
	for use := range uses {
		if use.User == user && use.Refused {
			wrong = append(wrong, "the agent may not "+use.String())
		}
	}
	maps.DeleteFunc(uses, func(u testenv.Use, _ bool) bool { return u.User != user || u.Refused })
	for _, o := range installation {
		var role rbacv1.ClusterRole // a Role has the same fields
		if o.Key.Kind != "Role" && o.Key.Kind != "ClusterRole" {
			continue
		}
		if err := json.Unmarshal(o.Reveal(), &role); err != nil {
			return err
		}
		for _, rule := range role.Rules {
			for _, verb := range rule.Verbs {
				if !requested(rule, verb) || used(uses, o.Key.Namespace, rule, verb) {
					continue
				}
				wrong = append(wrong, fmt.Sprintf("%s: the agent has not used the right to %s %s of group %q", o.Key, verb, rule.Resources, rule.APIGroups))
			}
		}
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		return fmt.Errorf("%s\nit has used %s", strings.Join(wrong, "\n"), slices.SortedFunc(maps.Keys(uses), func(a, b testenv.Use) int { return strings.Compare(a.String(), b.String()) }))
	}
	return nil
}

// requested says that a right is one of requests. The others leave a trace elsewhere:
// a story tells that a Role with more rights than the agent's was taken; and who may
// block the deletion of an owner is asked by some API servers only.
func requested(rule rbacv1.PolicyRule, verb string) bool {
	return verb != "escalate" && verb != "bind" && rule.Resources[0] != "applicationsets/finalizers"
}

// used says that a right was made use of, in a namespace or, if that is "", in any.
func used(uses map[testenv.Use]bool, namespace string, rule rbacv1.PolicyRule, verb string) bool {
	for use := range uses {
		if use.Verb == verb && (namespace == "" || use.Namespace == namespace) &&
			covers(rule.APIGroups, use.Group) && covers(rule.Resources, use.Resource) {
			return true
		}
	}
	return false
}

func covers(list []string, one string) bool {
	return slices.Contains(list, one) || slices.Contains(list, "*")
}

// TestInstallations: the chart and the kustomization of examples/install state what
// `tidelock install` prints, however it is asked.
func TestInstallations(t *testing.T) {
	t.Parallel()
	whole(t)
	root, err := testenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	const app = `{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: tidelock, namespace: argocd}, spec: {project: default,
destination: {server: https://kubernetes.default.svc, namespace: tidelock}, source: {repoURL: https://git.example.com/tidelock.git, path: %s}}}`
	for name, tt := range map[string]struct {
		source string
		args   []string
	}{
		"kustomization":            {"examples/install/kustomize", nil},
		"kustomization ha":         {"examples/install/kustomize-ha", []string{"--ha"}},
		"kustomization shadow":     {"examples/install/kustomize-shadow", []string{"--shadow", "--no-crds", "-n", "argocd"}},
		"kustomization namespaces": {"examples/install/kustomize-namespaces", []string{"--scope", "namespaces=team-a,team-b"}},
		"chart":                    {"examples/install/helm", nil},
		"chart ha":                 {`examples/install/helm, helm: {valuesObject: {replicas: 3}}`, []string{"--ha"}},
		"chart namespaces":         {`examples/install/helm, helm: {valuesObject: {namespaces: [a, b]}}`, []string{"--scope", "namespaces=a,b"}},
		"chart namespaces, and keys elsewhere": {`examples/install/helm, helm: {valuesObject: {namespaces: [a, b], sealedSecretsNamespace: keys}}`,
			[]string{"--scope", "namespaces=a,b", "--sealed-secrets-namespace", "keys"}},
		"chart namespaces, and keys in one": {`examples/install/helm, helm: {valuesObject: {namespaces: [a, b], sealedSecretsNamespace: b, impersonate: true}}`,
			[]string{"--scope", "namespaces=a,b", "--sealed-secrets-namespace", "b", "--impersonate"}},
		"chart impersonate": {`examples/install/helm, helm: {valuesObject: {impersonate: true}}`, []string{"--impersonate"}},
		"chart monitoring":  {`examples/install/helm, helm: {valuesObject: {monitoring: true}}`, []string{"--monitoring"}},
		"chart values": {`examples/install/helm, helm: {valuesObject: {image: "registry.example.com/t:1", sealedSecretsNamespace: keys}}`,
			[]string{"--image", "registry.example.com/t:1", "--sealed-secrets-namespace", "keys"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "app.yaml")
			if err := os.WriteFile(file, fmt.Appendf(nil, app, tt.source), 0o600); err != nil {
				t.Fatal(err)
			}
			printed := printedBy(t, append([]string{"install", "--image", install.Image + ":latest"}, tt.args...)...)
			if strings.Contains(tt.source, "helm") {
				delete(printed, "Namespace tidelock") // Helm's to make
			}
			stated := printedBy(t, "render", "-f", file, "--repo", root)
			if diff := cmp.Diff(printed, stated); diff != "" {
				t.Errorf("(-install +%s)\n%s", name, diff)
			}
		})
	}
}

// printedBy runs a command, and returns the objects that it prints, by key.
func printedBy(t *testing.T, args ...string) map[string]string {
	t.Helper()
	var out, talk bytes.Buffer
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&talk)
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%s: %v\n%s", args, err, talk.String())
	}
	set, err := manifest.Parse(out.Bytes(), manifest.Origin{File: args[0]})
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]string{}
	for _, o := range set {
		body := o.Body()
		text, err := json.MarshalIndent(body, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		objects[o.Key.String()] = string(text)
	}
	return objects
}
