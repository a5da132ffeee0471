package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// results writes a line for each object: phase, object, hook type, result, how far.
func (s *scene) results(args []string) error {
	var app *api.Application
	if err := s.cluster.UntilApplication(s.ctx, s.namespace, args[0], func(a *api.Application) bool { app = a; return true }); err != nil {
		return err
	}
	var b strings.Builder
	for _, r := range resultOf(app).Resources {
		key := manifest.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
		fmt.Fprintln(&b, r.SyncPhase, key, r.HookType, r.Status, r.HookPhase)
	}
	return os.WriteFile(s.ts.MkAbs("results"), []byte(b.String()), 0o600)
}

// jobs compares the Jobs of an Application, by uid, with those remembered.
func (s *scene) jobs(args []string) error {
	list, err := s.cluster.Typed.BatchV1().Jobs(s.ts.Getenv("NS")).List(s.ctx, metav1.ListOptions{LabelSelector: api.LabelApp + "=" + args[0]})
	if err != nil {
		return err
	}
	uids := map[string]bool{}
	same := 0
	for _, job := range list.Items {
		uids[string(job.UID)] = true
		if s.uids[string(job.UID)] {
			same++
		}
	}
	remembered := s.uids
	s.uids = nil
	switch {
	case len(uids) == 0:
		return errors.New("there are no Jobs")
	case remembered == nil:
		s.uids = uids
	case !s.neg && (same != len(remembered) || same != len(uids)):
		return fmt.Errorf("of %d Jobs then and %d now only %d are the same", len(remembered), len(uids), same)
	case s.neg && same > 0:
		return fmt.Errorf("%d Jobs are still the same", same)
	}
	return nil
}
