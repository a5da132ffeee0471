package main

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/secrets/scan"
	"github.com/tidelock-io/tidelock/secrets/walk"
)

// A leakScan looks through all files for secrets in clear while the repository is
// rendered.
type leakScan struct {
	running errgroup.Group
	cancel  context.CancelFunc
	reports []*scan.Report // of each part
}

// startScan begins one. It must be stopped.
func (v *validation) startScan(ctx context.Context) *leakScan {
	s := &leakScan{}
	ctx, s.cancel = context.WithCancel(ctx)
	s.running.Go(func() (err error) {
		s.reports, err = v.scanParts(ctx)
		return err
	})
	return s
}

func (s *leakScan) wait() ([]*scan.Report, error) {
	err := s.running.Wait()
	return s.reports, err
}

// stop ends it, whether anybody wants the rest or not.
func (s *leakScan) stop() {
	s.cancel()
	_ = s.running.Wait() // told by who waited
}

// scanParts does not look again into what was clear in an earlier run.
func (v *validation) scanParts(ctx context.Context) (reports []*scan.Report, err error) {
	scanner, err := (&secretsScanOptions{}).scanner(v.subtree)
	if err != nil {
		return nil, err
	}
	if v.clear != nil {
		scanner = scanner.Remembering(v.clear, buildText(), v.dir)
	}
	for _, part := range v.parts {
		report, err := scanner.Tree(ctx, v.tree, part, walk.Options{})
		if err != nil {
			return nil, err
		}
		reports = append(reports, report)
	}
	return reports, nil
}
