package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

const usage = `usage: devvault --dir DIR --listen 127.0.0.1:PORT [--tls] [--sealed]

devvault runs a real HashiCorp Vault on this machine, for development and tests.

Exit status: 0 stopped by SIGINT or SIGTERM; 1 failed; 2 wrong usage.

`

// errUsage is a mistake on the command line.
var errUsage = errors.New("see devvault --help")

func main() {
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
		fmt.Fprintln(os.Stderr, "devvault:", err)
		return exitUsage
	}
	fmt.Fprintln(os.Stderr, "devvault:", err)
	return exitFailed
}

// options are the command line.
type options struct {
	dir    string
	listen string
	tls    bool
	sealed bool
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("devvault", flag.ContinueOnError)
	flags.SetOutput(os.Stderr)
	flags.Usage = func() {
		fmt.Fprint(os.Stderr, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&o.dir, "dir", "", "`directory` of everything it keeps")
	flags.StringVar(&o.listen, "listen", "", "`address` to listen on, with its port")
	flags.BoolVar(&o.tls, "tls", false, "serve HTTPS, by a certificate that ca.crt in the directory vouches for")
	flags.BoolVar(&o.sealed, "sealed", false, "stay sealed after the start, as Vault does where nobody unseals it")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return o, err
	case err != nil:
		return o, fmt.Errorf("%w: %w", err, errUsage)
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q: %w", flags.Arg(0), errUsage)
	case o.dir == "" || o.listen == "":
		return o, fmt.Errorf("--dir and --listen are required: %w", errUsage)
	}
	return o, nil
}
