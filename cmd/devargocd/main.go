package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

const usage = `usage: devargocd --kubeconfig FILE --dir DIR [--namespace argocd]

devargocd runs a real Argo CD against a cluster, for development and tests.

Exit status: 0 stopped by SIGINT or SIGTERM; 1 failed; 2 wrong usage.

`

// errUsage is a mistake on the command line.
var errUsage = errors.New("see devargocd --help")

func main() {
	if part, ok := asked(os.Args); ok {
		os.Exit(part.run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}

// run executes one command line and returns its exit status.
func run(ctx context.Context, args []string) int {
	o, err := parse(args)
	if err == nil {
		err = serve(ctx, o)
	}
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "devargocd:", err)
		return exitUsage
	}
	fmt.Fprintln(os.Stderr, "devargocd:", err)
	return exitFailed
}

// options are the command line.
type options struct {
	kubeconfig string
	namespace  string
	dir        string
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("devargocd", flag.ContinueOnError)
	f.Usage = func() {
		fmt.Fprint(f.Output(), usage)
		f.PrintDefaults()
	}
	f.StringVar(&o.kubeconfig, "kubeconfig", "", "the `FILE` that says which cluster Argo CD runs against, and is its own")
	f.StringVar(&o.namespace, "namespace", "argocd", "where its settings and its Applications are")
	f.StringVar(&o.dir, "dir", "", "the `DIR` of its files, made if it is not there")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return o, err
		}
		return o, fmt.Errorf("%w (%w)", err, errUsage)
	}
	if o.kubeconfig == "" || o.dir == "" || o.namespace == "" || f.NArg() > 0 {
		return o, fmt.Errorf("give --kubeconfig and --dir, and nothing that is no flag (%w)", errUsage)
	}
	var err error
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return o, err
	}
	o.kubeconfig, err = filepath.Abs(o.kubeconfig)
	return o, err
}
