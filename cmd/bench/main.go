package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// options are the flags.
type options struct {
	services  int
	replicas  int
	memory    bool
	scenarios string
	json      string
	dir       string
	agent     string
	repeat    int
	idle      time.Duration
	shared    bool
}

func main() {
	var o options
	flag.IntVar(&o.services, "services", 100, "how many services, with an Application each")
	flag.IntVar(&o.replicas, "replicas", 1, "how many agents divide the Applications")
	flag.BoolVar(&o.memory, "memory", false, "measure instead what an Application and an object take in memory, with up to as many services, and project it")
	flag.StringVar(&o.scenarios, "scenarios", strings.Join(scenarioNames(), ","), "which to measure; cold always comes first")
	flag.StringVar(&o.json, "json", "", "write the results to this `file` too")
	flag.StringVar(&o.dir, "dir", "", "keep everything in this new `directory`, with --memory also profiles of the heap (default a temporary one, removed at the end)")
	flag.StringVar(&o.agent, "agent", "", "measure this tidelock `binary` instead of bin/tidelock")
	flag.IntVar(&o.repeat, "repeat", 1, "how many times to measure all, on a new cluster each; medians are shown")
	flag.BoolVar(&o.shared, "shared-namespace", false, "put all services into one namespace, which costs the control plane less")
	flag.DurationVar(&o.idle, "idle", time.Minute, "how long the scenario idle is")
	flag.Parse()
	chosen, err := o.validate()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, chosen); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (o *options) validate() ([]scenario, error) {
	switch {
	case flag.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q", flag.Arg(0))
	case o.services < 1 || o.services > 9999:
		return nil, errors.New("--services: from 1 to 9999")
	case o.memory && o.services < 10:
		return nil, errors.New("--memory: with --services 10 at least")
	case o.replicas < 1 || o.replicas > 9:
		return nil, errors.New("--replicas: from 1 to 9")
	case o.repeat < 1:
		return nil, errors.New("--repeat: at least 1")
	}
	return chooseScenarios(o.scenarios)
}

// run measures, and prints the report on stdout; talk goes to stderr.
func run(ctx context.Context, o options, chosen []scenario) (err error) {
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "tidelock-bench-"); err != nil {
			return err
		}
		defer func() {
			if err == nil {
				err = os.RemoveAll(o.dir)
			}
		}()
	}
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return err
	}
	binaries, err := testenv.Build(ctx, say)
	if err != nil {
		return err
	}
	if o.agent != "" {
		binaries.Tidelock = o.agent
	}
	if o.memory {
		prints, err := measureMemory(ctx, o, binaries, filepath.Join(o.dir, "memory"))
		if err != nil {
			return fmt.Errorf("%w (logs and state: %s)", err, o.dir)
		}
		return printMemory(os.Stdout, o.replicas, prints)
	}
	r := report{Services: o.services, Replicas: o.replicas, Shared: o.shared}
	if r.Machine, err = describeMachine(ctx, binaries); err != nil {
		return err
	}
	for i := range o.repeat {
		results, err := measureOnce(ctx, o, binaries, filepath.Join(o.dir, fmt.Sprint(i)), chosen)
		if err != nil {
			return fmt.Errorf("%w (logs and state: %s)", err, o.dir)
		}
		r.Runs = append(r.Runs, results)
	}
	r.summarize()
	if o.json != "" {
		if err := r.writeJSON(o.json); err != nil {
			return err
		}
	}
	return r.print(os.Stdout)
}

// say prints a line of progress.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
