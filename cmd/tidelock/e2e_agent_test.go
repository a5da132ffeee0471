package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/tidelock-io/tidelock/agent/install"
	"github.com/tidelock-io/tidelock/cmd/testenv"
)

func (s *scene) startAgent(flags []string) (err error) {
	if s.agent != nil {
		s.running = true
		return s.agent.Start(s.ctx)
	}
	if slices.Contains(flags, "--impersonate") {
		if err := s.cluster.Install(s.ctx, install.Options{Namespace: s.namespace, Impersonate: true}); err != nil {
			return err
		}
	}
	if slices.Contains(flags, "--"+shadowFlag) {
		if err := s.rights(install.Options{Namespace: s.namespace, Shadow: true, ShadowDryRuns: slices.Contains(flags, "--shadow-dry-runs")}); err != nil {
			return err
		}
	}
	s.agent, err = testenv.StartAgent(s.ctx, testenv.AgentOptions{
		Binary: s.bin.Tidelock, Kubeconfig: s.kubeconfig, Dir: s.agentDir(),
		SealedSecretsNamespace: s.namespace,
		Flags:                  append([]string{"--debug", "--namespace", s.namespace}, flags...),
	})
	if s.running = err == nil; s.running {
		s.ts.Setenv("AGENT_URL", s.agent.URL)
	}
	return err
}

// second runs an agent of another installation, with the rights of the first.
func (s *scene) second(args []string) (err error) {
	if s.neg {
		err, s.other = s.other.Stop(), nil
		return err
	}
	s.other, err = testenv.StartAgent(s.ctx, testenv.AgentOptions{
		Binary: s.bin.Tidelock, Kubeconfig: s.kubeconfig, Dir: s.agentDir() + "-second", SealedSecretsNamespace: s.namespace,
		Flags: append([]string{"--debug", "--namespace", args[0]}, args[1:]...),
	})
	return err
}

func (s *scene) kill9([]string) error {
	s.running = false
	return s.agent.Kill()
}

// dump ends the agent, and leaves all its goroutines in its log.
func (s *scene) dump([]string) error {
	s.running = false
	return s.agent.Dump()
}

func (s *scene) killPlugin(args []string) error { return s.signalPlugin(args[0], syscall.SIGKILL) }

func (s *scene) stopPlugin(args []string) error { return s.signalPlugin(args[0], syscall.SIGSTOP) }

// signalPlugin sends a signal to all processes of a built-in plugin.
func (s *scene) signalPlugin(name string, signal syscall.Signal) error {
	pids, err := s.agent.Processes()
	if err != nil {
		return err
	}
	sent := 0
	for _, pid := range pids {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil || !servesPlugin(line, name) {
			continue
		}
		if err := syscall.Kill(pid, signal); err != nil {
			return err
		}
		sent++
	}
	if sent == 0 {
		return fmt.Errorf("the agent runs no plugin %s", name)
	}
	return nil
}

// servesPlugin says whether a command line is that of a built-in plugin: of its own
// program, or of tidelock in its place.
func servesPlugin(line []byte, name string) bool {
	program, _, _ := strings.Cut(string(line), "\x00")
	return filepath.Base(program) == "tidelock-"+name || bytes.HasSuffix(line, []byte("\x00plugin\x00serve\x00"+name+"\x00"))
}

func (s *scene) metric(args []string) error {
	now, err := s.read(args[0])
	if err != nil || len(args) == 1 {
		s.metrics[args[0]] = now
		return err
	}
	more, err := strconv.ParseFloat(args[1], 64)
	if err != nil {
		return err
	}
	want := s.metrics[args[0]] + more
	return s.until(args[0], func() (bool, error) {
		now, err := s.read(args[0])
		if err == nil && now > want {
			err = fmt.Errorf("%s is %v, %v more than remembered", args[0], now, now-s.metrics[args[0]])
		}
		return now == want, err
	})
}

// read returns a metric without labels.
func (s *scene) read(metric string) (float64, error) {
	text, err := s.agent.MetricsText(s.ctx)
	if err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), metric+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("there is no metric %s", metric)
}

func (s *scene) logged(args []string) error {
	pattern, err := regexp.Compile(args[0])
	if err != nil {
		return err
	}
	count := func() (int, error) {
		text, err := os.ReadFile(s.agent.Log)
		return len(pattern.FindAll(text, -1)), err
	}
	want := 1
	if len(args) > 1 {
		more, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		if want, err = count(); err != nil {
			return err
		}
		want += more
	}
	return s.until("log "+args[0], func() (bool, error) {
		n, err := count()
		return n >= want, err
	})
}
