package main

import (
	"context"
	"fmt"
	"regexp"
	"testing"
	"time"
)

// toldOf is the name of an Application in a series of one of these metrics.
var toldOf = regexp.MustCompile(`(?m)^(argocd_app_info|argocd_app_sync_total)\{.*\bname="([^"]+)"`)

// eachOnce waits until each Application is told of by one replica's metrics, and by no
// other's: whoever adds up what all replicas say counts none twice, nor what one has
// counted that is not its own any more.
func (p *pack) eachOnce(ctx context.Context, t *testing.T) {
	t.Helper()
	for {
		wrong := p.toldTwice(ctx)
		if wrong == nil {
			return
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal(wrong)
		}
	}
}

// toldTwice says which Application is not told of by exactly one replica.
func (p *pack) toldTwice(ctx context.Context) error {
	tellers := map[string]map[int]bool{}
	for _, i := range p.alive() {
		text, err := p.agents[i].MetricsText(ctx)
		if err != nil {
			return err
		}
		for _, match := range toldOf.FindAllSubmatch(text, -1) {
			series := string(match[1]) + " of " + string(match[2])
			if tellers[series] == nil {
				tellers[series] = map[int]bool{}
			}
			tellers[series][i] = true
		}
	}
	for i := range p.n {
		for _, metric := range []string{"argocd_app_info", "argocd_app_sync_total"} {
			if series := metric + " of " + p.member(i); len(tellers[series]) != 1 {
				return fmt.Errorf("%s is told by %d replicas", series, len(tellers[series]))
			}
		}
	}
	return nil
}
