package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
)

// endWithin is how long the parts have to end. It is less than the Deployment gives
// (agent/install): what has not ended by then, such as a plugin that hangs, never does,
// and what the agent was doing stands in the status of its Applications.
const endWithin = 10 * time.Second

// run runs the parts until ctx ends or one of them fails. Metrics are told until the
// others have ended.
func (p *parts) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	lastResort(ctx, endWithin, p.log, os.Exit)
	scraped, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	var metrics errgroup.Group
	metrics.Go(func() error {
		defer stop()
		return serve(scraped, p.options.metricsListen, p.metricsMux())
	})
	err := p.answer(ctx)
	end()
	return errors.Join(err, metrics.Wait())
}

// lastResort ends the program a while after ctx has ended, if it is there still.
func lastResort(ctx context.Context, within time.Duration, log *slog.Logger, exit func(int)) {
	context.AfterFunc(ctx, func() {
		time.AfterFunc(within, func() {
			log.Error("parts of the agent have not ended, and are left to the kernel", "within", within.String())
			exit(exitError)
		})
	})
}
