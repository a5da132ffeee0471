package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// record begins to record resources of a namespace.
func (s *scene) record(args []string) (err error) {
	s.recorded = nil
	for _, resource := range args[1:] {
		at, err := s.place(resource, args[0]+"/")
		if err != nil {
			return err
		}
		s.recorded = append(s.recorded, at.resource)
	}
	if err := s.stopRecording(); err != nil {
		return err
	}
	s.recording, err = s.cluster.Record(s.ctx, args[0], s.recorded...)
	return err
}

func (s *story) stopRecording() (err error) {
	if s.recording != nil {
		err = s.recording.Stop()
		s.recording = nil
	}
	return err
}

// caughtUp waits until the recording has all that is so now, what is gone too.
func (s *scene) caughtUp(namespace string) error {
	if s.recording == nil {
		return errors.New("nothing is recorded")
	}
	for _, resource := range s.recorded {
		err := s.until("the recording of "+resource.Resource, func() (bool, error) {
			list, err := s.cluster.Dynamic.Resource(resource).Namespace(namespace).List(s.ctx, metav1.ListOptions{})
			if err != nil {
				return false, err
			}
			return s.recording.CaughtUp(resource, list)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// history writes to the file history, in the order in which the API server took
// them in, when each object was made, first was as it should be, and went.
func (s *scene) history(args []string) error {
	if err := s.caughtUp(args[0]); err != nil {
		return err
	}
	var b bytes.Buffer
	ready := map[string]bool{}
	for _, event := range s.recording.Events() {
		name := event.Object.GetKind() + "/" + event.Object.GetName()
		id := string(event.Object.GetUID())
		switch event.Type {
		case watch.Deleted:
			fmt.Fprintln(&b, name, "gone")
		case watch.Added:
			fmt.Fprintln(&b, name, "made")
		}
		if event.Type != watch.Deleted && !ready[id] && isReady(event.Object) {
			ready[id] = true
			fmt.Fprintln(&b, name, "ready")
		}
	}
	return os.WriteFile(s.ts.MkAbs("history"), b.Bytes(), 0o600)
}

// isReady says what the object's controller says: a Deployment has all its Pods
// available, a Job or a Pod has run to its end. Other kinds have nothing to get
// ready.
func isReady(object *unstructured.Unstructured) bool {
	if object.GetKind() != "Deployment" {
		return completed(object)
	}
	want, found, _ := unstructured.NestedInt64(object.Object, "spec", "replicas")
	available, _, _ := unstructured.NestedInt64(object.Object, "status", "availableReplicas")
	observed, _, _ := unstructured.NestedInt64(object.Object, "status", "observedGeneration")
	return found && available >= want && observed == object.GetGeneration()
}

func completed(object *unstructured.Unstructured) bool {
	if phase, _, _ := unstructured.NestedString(object.Object, "status", "phase"); object.GetKind() == "Pod" {
		return phase == "Succeeded"
	}
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	return slices.ContainsFunc(conditions, func(item any) bool {
		condition, _ := item.(map[string]any)
		return condition["type"] == "Complete" && condition["status"] == "True"
	})
}

// A tally counts the runs of a hook: by what it says of itself in the annotation
// "round", which another has in each commit, and by the objects' uids.
type tally struct{ rounds, objects, completed map[string]bool }

// rounds writes to the file rounds, for each hook, of how many rounds it ran, how
// many objects that were, and how many of them completed.
func (s *scene) rounds(args []string) error {
	if err := s.caughtUp(args[0]); err != nil {
		return err
	}
	tallies := map[string]tally{}
	for _, event := range s.recording.Events() {
		object := event.Object
		if object.GetAnnotations()[api.AnnotationHook] == "" {
			continue
		}
		name := object.GetKind() + "/" + object.GetName()
		if _, known := tallies[name]; !known {
			tallies[name] = tally{map[string]bool{}, map[string]bool{}, map[string]bool{}}
		}
		t, uid := tallies[name], string(object.GetUID())
		t.rounds[object.GetAnnotations()["round"]], t.objects[uid] = true, true
		if completed(object) {
			t.completed[uid] = true
		}
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(tallies)) {
		t := tallies[name]
		fmt.Fprintf(&b, "%s: %d rounds, %d objects, %d completed\n", name, len(t.rounds), len(t.objects), len(t.completed))
	}
	return os.WriteFile(s.ts.MkAbs("rounds"), []byte(b.String()), 0o600)
}

// recordings are what a story records.
type recordings struct {
	recording *testenv.Recording // nil if none is under way
	recorded  []schema.GroupVersionResource
}
