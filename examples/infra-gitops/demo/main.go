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

// options are the flags.
type options struct {
	dir   string
	keep  bool
	kill  bool
	state string
}

func main() {
	var o options
	flag.StringVar(&o.dir, "dir", "", "keep everything in this new `directory` (default a temporary one, removed at the end)")
	flag.BoolVar(&o.keep, "keep", false, "leave it running at the end, until Ctrl-C")
	flag.BoolVar(&o.kill, "kill9", false, "kill -9 the agent at random moments; it ends in the same state")
	flag.StringVar(&o.state, "state", "", "write what the agent made of the cluster to this `file`, for comparisons")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "demo: unexpected argument %q\n", flag.Arg(0))
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, newTerminal(os.Stdout)); err != nil {
		fmt.Fprintln(os.Stderr, "\ndemo:", err)
		os.Exit(1)
	}
}

// run plays the story and takes the stage down.
func run(ctx context.Context, o options, out *terminal) (err error) {
	temporary := o.dir == ""
	if temporary {
		if o.dir, err = os.MkdirTemp("", "tidelock-demo-"); err != nil {
			return err
		}
	}
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return err
	}
	s := &stage{out: out, dir: o.dir, options: o}
	err = tell(ctx, s)
	if err == nil && o.keep {
		s.printWhatToTry()
		<-ctx.Done()
	}
	interrupted := ctx.Err() != nil
	out.title("The end")
	err = errors.Join(err, s.takeDown())
	if interrupted && (err == nil || errors.Is(err, context.Canceled)) {
		err = nil
		if !o.keep {
			err = errors.New("interrupted")
		}
	}
	if temporary && (err == nil || interrupted) {
		return errors.Join(err, os.RemoveAll(o.dir))
	}
	if err != nil {
		out.line("logs and state: %s", o.dir)
	}
	return err
}
