package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

func (s *scene) giveKey(args []string) error {
	var secret *corev1.Secret
	switch args[0] {
	case "sops":
		secret = keys(s.ts).sops.Secret(args[1])
		secret.Namespace = s.namespace
	case "sealed":
		secret = keys(s.ts).sealing.Secret(s.namespace, args[1])
	default:
		return fmt.Errorf("no key is for %s", args[0])
	}
	_, err := s.cluster.Typed.CoreV1().Secrets(s.namespace).Create(s.ctx, secret, metav1.CreateOptions{FieldManager: kubectl})
	return err
}

func (s *scene) canary(args []string) error {
	c := testenv.NewCanary(args[0])
	s.canaries = append(s.canaries, c)
	s.ts.Setenv(args[0], c.Text)
	return nil
}

// secret tells how long a wrong value is, and not what it is.
func (s *scene) secret(args []string) error {
	at, err := s.place("secret", args[0])
	if err != nil {
		return err
	}
	return s.cluster.Until(s.ctx, at.resource, at.namespace, at.name, func(object *unstructured.Unstructured) (bool, string) {
		if object == nil {
			return false, "absent"
		}
		var secret corev1.Secret
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &secret); err != nil {
			return false, err.Error()
		}
		value, ok := secret.Data[args[1]]
		return ok && string(value) == args[2], fmt.Sprintf("%s has %d bytes", args[1], len(value))
	})
}

// allowed are the Secrets NAMESPACE/NAME, or NAMESPACE/PREFIX*.
func (s *scene) allowed(names []string) (testenv.Allowed, error) {
	allowed := testenv.Allowed{}
	for _, name := range names {
		prefix, many := strings.CutSuffix(name, "*")
		if !many {
			allowed[name] = true
			continue
		}
		namespace, _, _ := strings.Cut(name, "/")
		list, err := s.cluster.Typed.CoreV1().Secrets(namespace).List(s.ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		for _, secret := range list.Items {
			if full := namespace + "/" + secret.Name; strings.HasPrefix(full, prefix) {
				allowed[full] = true
			}
		}
	}
	return allowed, nil
}

// noLeak searches wherever the agent could have left a plain text (DESIGN.md,
// section 5).
func (s *scene) noLeak(args []string) error {
	if len(s.canaries) == 0 {
		return errors.New("there is no canary")
	}
	allowed, err := s.allowed(args)
	if err != nil {
		return err
	}
	canaries := testenv.NewCanaries(s.canaries...)
	var found []testenv.Finding
	var errs []error
	add := func(more []testenv.Finding, err error) {
		found, errs = append(found, more...), append(errs, err)
	}
	add(canaries.Files(s.agent.Log))
	text, err := s.agent.MetricsText(s.ctx)
	add(canaries.Search("the metrics", text), err)
	pids, err := s.agent.Processes()
	add(nil, err)
	add(canaries.Processes(pids...))
	add(nil, testenv.CoresOff(pids...))
	for _, server := range s.agent.Servers() {
		add(canaries.Pages(s.ctx, server))
	}
	for _, dir := range s.agent.Dirs() {
		add(canaries.Files(dir))
	}
	add(s.scratch(canaries))
	add(canaries.Objects(s.ctx, s.cluster, allowed))
	var dump bytes.Buffer
	err = s.cluster.Dump(s.ctx, &dump)
	add(canaries.Dump(dump.Bytes(), allowed), err)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if s.neg && len(found) == 0 {
		return errors.New("no plain text was found, not even in the Secrets")
	}
	if !s.neg && len(found) > 0 {
		return fmt.Errorf("plain text was found: %v", found)
	}
	return nil
}

// scratch searches the directories in memory that plugins are lent, in which plain
// text may be for as long as a call takes.
func (s *scene) scratch(canaries *testenv.Canaries) (found []testenv.Finding, err error) {
	err = s.until("nothing in the plugins' scratch directories", func() (bool, error) {
		dirs, err := filepath.Glob("/dev/shm/tidelock*")
		if err != nil {
			return false, err
		}
		found = nil
		for _, dir := range dirs {
			more, err := canaries.Files(dir)
			if err != nil {
				return false, err
			}
			found = append(found, more...)
		}
		return len(found) == 0, nil
	})
	if len(found) > 0 {
		return found, nil // what was found says more than that time ran out
	}
	return nil, err
}

// noLeakIn searches files and directories of the story.
func (s *scene) noLeakIn(paths []string) error {
	if len(s.canaries) == 0 {
		return errors.New("there is no canary")
	}
	canaries := testenv.NewCanaries(s.canaries...)
	var found []testenv.Finding
	for _, path := range paths {
		more, err := canaries.Files(s.ts.MkAbs(path))
		if err != nil {
			return err
		}
		found = append(found, more...)
	}
	if s.neg == (len(found) == 0) {
		return fmt.Errorf("plain text was found: %v", found)
	}
	return nil
}

// said runs a command of tidelock. Its output is for noleakin.
func (s *scene) said(args []string) error {
	file, err := os.OpenFile(s.ts.MkAbs("said"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	cmd := exec.CommandContext(s.ctx, s.bin.Tidelock, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, file, file
	cmd.Env = append(os.Environ(), "KUBECONFIG="+s.kubeconfig, "SOPS_AGE_KEY_FILE="+s.ts.Getenv("SOPS_AGE_KEY_FILE"), "HOME="+s.dir)
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		return err
	}
	if exit != nil && exit.ExitCode() < 0 {
		return fmt.Errorf("tidelock %s: %w", strings.Join(args, " "), exit)
	}
	return nil
}
