package kube

import (
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// controller is the User-Agent of the controllers.
const controller = "kube-controller-manager"

// finalizerContent holds a namespace, or a definition, until what is in it is gone.
const finalizerContent = "kubernetes"

// react lets the controllers see a change. Those that have something to do do
// it later. The caller holds s.mu.
func (s *Server) react(c Change) {
	o := c.After
	if o == nil || c.Verb == "delete" {
		if c.Before != nil && c.Verb == "gone" {
			s.later("gc", c.Before, s.collect)
		}
		return
	}
	switch {
	case o.Deleting() && (c.Before == nil || !c.Before.Deleting()):
		s.later("gc", o, s.finalize)
	case o.Deleting():
	case o.Kind.Kind == "Deployment" && o.Group == "apps" && generation(c.Before) != generation(o):
		s.later("observe", o, s.observe)
	case o.Kind.Kind == "Job" && c.Before == nil:
		s.later("run", o, s.finish)
	case o.Kind == definitions && c.Before == nil:
		s.later("establish", o, s.establish)
	}
}

func generation(o *Object) int64 {
	if o == nil {
		return 0
	}
	return numberAt(o.Body, "metadata", "generation")
}

// End stops the controllers, and the bookmarks.
func (s *Server) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
}

// later does something to an object after the time that it takes, if the very
// object is there yet, or was to be collected.
func (s *Server) later(step string, o *Object, do func(o *Object)) {
	time.AfterFunc(s.delay(step, o), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.ended {
			return
		}
		if now := s.objects[o.id()]; now != nil && now.UID == o.UID {
			do(now)
		} else if step == "gc" {
			do(o)
		}
	})
}

func (s *Server) delay(step string, o *Object) time.Duration {
	if s.options.Delay == nil {
		return time.Second
	}
	return s.options.Delay(step, o)
}

func (s *Server) fate(o *Object) Fate {
	if s.options.Fate == nil {
		return Succeeds
	}
	return s.options.Fate(o)
}

// status writes the status of an object.
func (s *Server) status(o *Object, status map[string]any) {
	next := runtime.DeepCopyJSON(o.Body)
	next["status"] = status
	_, _ = s.change(call{by: controller, manager: controller, kind: o.Kind, namespace: o.Namespace, name: o.Name, status: o.Status}, o, next, false)
}

func conditionOf(kind, status, reason string) map[string]any {
	return map[string]any{"type": kind, "status": status, "reason": reason, "message": reason, "lastTransitionTime": time.Now().UTC().Format(time.RFC3339)}
}

// observe begins a rollout: its controller has seen the Deployment.
func (s *Server) observe(o *Object) {
	s.child(o)
	replicas := numberAt(o.Body, "spec", "replicas")
	s.status(o, map[string]any{
		"observedGeneration": generation(o), "replicas": replicas, "updatedReplicas": replicas, "unavailableReplicas": replicas,
		"conditions": []any{conditionOf("Progressing", "True", "ReplicaSetUpdated"), conditionOf("Available", "False", "MinimumReplicasUnavailable")},
	})
	s.later("rollout", o, s.rollout)
}

// rollout ends a rollout, in the way that is its fate.
func (s *Server) rollout(o *Object) {
	if numberAt(o.Body, "status", "observedGeneration") != generation(o) {
		return // another has begun
	}
	replicas := numberAt(o.Body, "spec", "replicas")
	status := map[string]any{
		"observedGeneration": generation(o), "replicas": replicas, "updatedReplicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas,
		"conditions": []any{conditionOf("Progressing", "True", "NewReplicaSetAvailable"), conditionOf("Available", "True", "MinimumReplicasAvailable")},
	}
	switch s.fate(o) {
	case Hangs:
		return
	case Fails:
		status["readyReplicas"], status["availableReplicas"] = int64(0), int64(0)
		status["unavailableReplicas"] = replicas
		status["conditions"] = []any{conditionOf("Progressing", "False", "ProgressDeadlineExceeded"), conditionOf("Available", "False", "MinimumReplicasUnavailable")}
	}
	s.status(o, status)
}

// child makes the ReplicaSet of a Deployment, which copies its annotations, as
// the real one does, and its labels, which others do.
func (s *Server) child(o *Object) {
	c := call{by: controller, manager: controller, kind: replicaSets, namespace: o.Namespace, name: o.Name + "-rs"}
	if s.objects[c.id()] != nil {
		return
	}
	meta := map[string]any{
		"name": c.name,
		"ownerReferences": []any{map[string]any{
			"apiVersion": o.GroupVersion().String(), "kind": o.Kind.Kind, "name": o.Name, "uid": o.UID, "controller": true, "blockOwnerDeletion": true,
		}},
	}
	for _, field := range []string{"labels", "annotations"} {
		if m := mapAt(o.Body, "metadata", field); m != nil {
			meta[field] = runtime.DeepCopyJSON(m)
		}
	}
	c.body = map[string]any{"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": meta, "spec": map[string]any{"replicas": int64(1)}}
	_, _ = s.create(c)
}

// finish ends a Job, in the way that is its fate.
func (s *Server) finish(o *Object) {
	switch s.fate(o) {
	case Hangs:
		return
	case Fails:
		s.status(o, map[string]any{"failed": int64(1), "conditions": []any{conditionOf("Failed", "True", "BackoffLimitExceeded")}})
	case Succeeds:
		s.status(o, map[string]any{"succeeded": int64(1), "conditions": []any{conditionOf("Complete", "True", "CompletionsReached")}})
	}
	if ttl, ok := mapAt(o.Body, "spec")["ttlSecondsAfterFinished"].(int64); ok {
		time.AfterFunc(time.Duration(ttl)*time.Second, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if now := s.objects[o.id()]; now != nil && now.UID == o.UID && !s.ended {
				_, _ = s.delete(call{by: controller}, now, metav1.DeletePropagationBackground)
			}
		})
	}
}

// establish has the kinds of a definition served.
func (s *Server) establish(o *Object) {
	s.status(o, map[string]any{"conditions": []any{conditionOf("NamesAccepted", "True", "NoConflicts"), conditionOf("Established", "True", "InitialNamesAccepted")}})
	s.later("serve", o, func(o *Object) {
		if !o.Deleting() {
			s.serveKinds(definedBy(o.Body), true)
		}
	})
}

// collect removes the children of what is gone.
func (s *Server) collect(o *Object) {
	for _, child := range s.children(o) {
		_, _ = s.delete(call{by: controller}, child, metav1.DeletePropagationBackground)
	}
}

func (s *Server) children(o *Object) (found []*Object) {
	for _, other := range s.objects {
		for _, item := range listAt(other.Body, "metadata", "ownerReferences") {
			if owner, _ := item.(map[string]any); owner["uid"] == o.UID {
				found = append(found, other)
			}
		}
	}
	slices.SortFunc(found, func(a, b *Object) int { return strings.Compare(a.Name, b.Name) })
	return found
}

func listAt(m map[string]any, path ...string) []any {
	list, _ := mapAt(m, path[:len(path)-1]...)[path[len(path)-1]].([]any)
	return list
}

// finalize does what the garbage collector, and the controllers of namespaces
// and definitions, do before an object goes.
func (s *Server) finalize(o *Object) {
	finalizers := textsAt(o.Body, "metadata", "finalizers")
	wait := false
	for _, f := range finalizers {
		switch f {
		case metav1.FinalizerDeleteDependents:
			for _, child := range s.children(o) {
				wait = true
				_, _ = s.delete(call{by: controller}, child, metav1.DeletePropagationBackground)
			}
		case metav1.FinalizerOrphanDependents:
			for _, child := range s.children(o) {
				next := runtime.DeepCopyJSON(child.Body)
				delete(mapAt(next, "metadata"), "ownerReferences")
				_, _ = s.change(call{by: controller, manager: controller, kind: child.Kind, namespace: child.Namespace, name: child.Name}, child, next, false)
			}
		case finalizerContent:
			for _, inside := range s.inside(o) {
				wait = true
				_, _ = s.delete(call{by: controller}, inside, metav1.DeletePropagationBackground)
			}
		}
	}
	if wait {
		s.later("gc", o, s.finalize)
		return
	}
	if now := s.objects[o.id()]; now == nil || now.UID != o.UID || !now.Deleting() {
		return
	}
	if o.Kind == definitions {
		s.serveKinds(definedBy(o.Body), false)
	}
	next := runtime.DeepCopyJSON(o.Body)
	left := slices.DeleteFunc(finalizers, func(f string) bool {
		return f == metav1.FinalizerDeleteDependents || f == metav1.FinalizerOrphanDependents || f == finalizerContent
	})
	setTexts(next, left, "metadata", "finalizers")
	_, _ = s.change(call{by: controller, manager: controller, kind: o.Kind, namespace: o.Namespace, name: o.Name}, o, next, false)
}

// inside lists what goes with a namespace, or with a definition.
func (s *Server) inside(o *Object) (found []*Object) {
	var kinds []*Kind
	if o.Kind == definitions {
		kinds = definedBy(o.Body)
	}
	for _, other := range s.objects {
		instance := slices.ContainsFunc(kinds, func(k *Kind) bool { return k.GroupVersionKind == other.GroupVersionKind })
		if instance || o.Kind == namespaces && other.Namespaced && other.Namespace == o.Name {
			found = append(found, other)
		}
	}
	slices.SortFunc(found, func(a, b *Object) int { return strings.Compare(a.Resource+a.Name, b.Resource+b.Name) })
	return found
}
