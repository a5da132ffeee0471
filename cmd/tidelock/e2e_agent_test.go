package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

func (s *scene) startAgent(flags []string) (err error) {
	if s.agent != nil {
		s.running = true
		return s.agent.Start(s.ctx)
	}
	s.agent, err = testenv.StartAgent(s.ctx, testenv.AgentOptions{
		Binary: s.bin.Tidelock, Kubeconfig: s.kubeconfig, Dir: s.agentDir(),
		SealedSecretsNamespace: s.namespace,
		Flags:                  append([]string{"--debug", "--namespace", s.namespace}, flags...),
	})
	s.running = err == nil
	return err
}

func (s *scene) kill9([]string) error {
	s.running = false
	return s.agent.Kill()
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
		if err != nil || !bytes.HasSuffix(line, []byte("\x00plugin\x00serve\x00"+name+"\x00")) {
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

func (s *scene) repo(args []string) error {
	repo, err := s.git.Create(s.ctx, args[0])
	if err != nil {
		return err
	}
	repo.URL = s.git.front + "/" + args[0] + ".git"
	s.repos[args[0]] = repo
	s.ts.Setenv("REPO", repo.URL)
	return s.push([]string{args[0], "silent"})
}

func (s *scene) push(args []string) error {
	repo := s.repos[args[0]]
	if repo == nil {
		return fmt.Errorf("there is no repository %s", args[0])
	}
	files, err := s.files(args[0])
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(repo.WorkTree)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() != ".git" {
			err = errors.Join(err, repo.Remove(entry.Name()))
		}
	}
	if err := errors.Join(err, repo.WriteAll(files)); err != nil {
		return err
	}
	commit, err := repo.Push(s.ctx, "change")
	if err != nil {
		return err
	}
	s.ts.Setenv("COMMIT", commit)
	if len(args) > 1 {
		return nil
	}
	return repo.Announce(s.ctx, s.agent.Webhook())
}

// longestLife is about what the agent needs to come up, and to roll out a commit.
const longestLife = 1200 * time.Millisecond

// crash prints nothing but the seed, by which a failure can be had again, as far
// as the machine's timing allows.
func (s *scene) crash(args []string) error {
	times, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	seed, err := strconv.ParseUint(args[2], 10, 64)
	if err != nil {
		return err
	}
	s.ts.Logf("kills by the seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for n := range times {
		s.ts.Setenv("N", strconv.Itoa(n))
		if err := s.push(args[:1]); err != nil {
			return err
		}
		<-time.After(time.Duration(random.Int64N(int64(longestLife))))
		if err := errors.Join(s.kill9(nil), s.startAgent(nil)); err != nil {
			return err
		}
	}
	return nil
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
	return s.until("log "+args[0], func() (bool, error) {
		text, err := os.ReadFile(s.agent.Log)
		return pattern.Match(text), err
	})
}

// A gitFront is a Git server that can be out of reach: a listener before it.
type gitFront struct {
	*testenv.GitServer
	front   string // URL
	address string
	server  *http.Server // nil while it is down
	group   errgroup.Group
}

func startGitFront(ctx context.Context, dir string) (*gitFront, error) {
	behind, err := testenv.StartGit(ctx, dir, nil)
	if err != nil {
		return nil, err
	}
	f := &gitFront{GitServer: behind, address: "127.0.0.1:0"}
	return f, f.up()
}

func (f *gitFront) up() error {
	listener, err := net.Listen("tcp", f.address)
	if err != nil {
		return err
	}
	f.address = listener.Addr().String()
	f.front = "http://" + f.address
	server := &http.Server{Handler: f.GitServer}
	f.server = server
	f.group.Go(func() error { return server.Serve(listener) })
	return nil
}

func (f *gitFront) down() error {
	if f.server == nil {
		return nil
	}
	defer func() { f.server = nil }()
	return f.server.Close()
}

// Close ends both servers.
func (f *gitFront) Close() error {
	err := errors.Join(f.down(), f.GitServer.Close())
	if served := f.group.Wait(); !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

func (s *scene) gitServer(args []string) error {
	if args[0] == "up" {
		return s.git.up()
	}
	return s.git.down()
}
