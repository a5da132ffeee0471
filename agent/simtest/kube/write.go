package kube

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// create makes an object that is whole.
func (s *Server) create(c call) (*Object, error) {
	if c.name == "" {
		return nil, apierrors.NewBadRequest("metadata.name is required")
	}
	if s.objects[c.id()] != nil {
		return nil, apierrors.NewAlreadyExists(c.kind.groupResource(), c.name)
	}
	next := runtime.DeepCopyJSON(c.body)
	fillDefaults(c.kind, next)
	next, err := owned(c, map[string]any{}, next)
	if err != nil {
		return nil, err
	}
	return s.begin(c, next)
}

// begin stores a new object.
func (s *Server) begin(c call, next map[string]any) (*Object, error) {
	if err := s.permits(c); err != nil {
		return nil, err
	}
	if err := validate(c.kind, c.name, nil, next); err != nil {
		return nil, err
	}
	meta := mapAt(next, "metadata")
	for _, field := range []string{"resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "generateName"} {
		delete(meta, field)
	}
	meta["name"] = c.name
	delete(meta, "namespace")
	if c.kind.Namespaced {
		meta["namespace"] = c.namespace
	}
	if c.kind.Status {
		delete(next, "status")
	}
	if c.kind == namespaces {
		next["status"] = map[string]any{"phase": "Active"}
	}
	meta["creationTimestamp"] = time.Now().UTC().Format(time.RFC3339)
	if c.kind.Counted {
		meta["generation"] = int64(1)
	}
	if c.dryRun {
		meta["uid"] = "00000000-0000-4000-8000-00000000d0d0"
		return newObject(c, next, 0), nil
	}
	meta["uid"] = s.uid()
	return s.put(c, "create", nil, newObject(c, next, s.next())), nil
}

// permits refuses what is to live in a namespace that is not there.
func (s *Server) permits(c call) error {
	if !c.kind.Namespaced {
		return nil
	}
	ns := s.objects[id{"", "namespaces", "", c.namespace}]
	switch {
	case ns == nil:
		return apierrors.NewNotFound(namespaces.groupResource(), c.namespace)
	case ns.Deleting():
		return apierrors.NewForbidden(c.kind.groupResource(), c.name,
			fmt.Errorf("unable to create new content in namespace %s because it is being terminated", c.namespace))
	}
	return nil
}

// update puts a whole object in the place of another.
func (s *Server) update(c call) (*Object, error) {
	live := s.objects[c.id()]
	if live == nil {
		return nil, apierrors.NewNotFound(c.kind.groupResource(), c.name)
	}
	next := runtime.DeepCopyJSON(c.body)
	return s.change(c, live, next, false)
}

// change stores what is to become of an object. What apply has merged has its
// managedFields already.
func (s *Server) change(c call, live *Object, next map[string]any, applied bool) (*Object, error) {
	meta := mapAt(next, "metadata")
	if v := textAt(next, "metadata", "resourceVersion"); v != "" && v != strconv.FormatInt(live.Version, 10) {
		return nil, conflict(c, "the object has been modified; please apply your changes to the latest version and try again")
	}
	if uid := textAt(next, "metadata", "uid"); uid != "" && uid != live.UID {
		return nil, conflict(c, fmt.Sprintf("Precondition failed: UID in precondition: %s, UID in object meta: %s", uid, live.UID))
	}
	keepSystem(meta, mapAt(live.Body, "metadata"))
	keepStatus(c, live, next)
	fillDefaults(c.kind, next)
	if !applied {
		var err error
		if next, err = owned(c, live.Body, next); err != nil {
			return nil, err
		}
		meta = mapAt(next, "metadata")
	}
	if err := validate(c.kind, c.name, live.Body, next); err != nil {
		return nil, err
	}
	if sameBut(live.Body, next) {
		return live, nil
	}
	if c.kind.Counted && !sameContent(c.kind, live.Body, next) {
		meta["generation"] = numberAt(live.Body, "metadata", "generation") + 1
	}
	if c.dryRun {
		return newObject(c, next, live.Version), nil
	}
	if live.Deleting() && len(textsAt(next, "metadata", "finalizers")) == 0 {
		return s.gone(c, newObject(c, next, live.Version)), nil
	}
	return s.put(c, "update", live, newObject(c, next, s.next())), nil
}

// keepSystem takes over what no client decides.
func keepSystem(meta, live map[string]any) {
	for _, field := range []string{"name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "resourceVersion"} {
		delete(meta, field)
		if v, ok := live[field]; ok {
			meta[field] = v
		}
	}
}

// keepStatus separates the two halves of an object that has a subresource.
func keepStatus(c call, live *Object, next map[string]any) {
	if !c.kind.Status {
		return
	}
	if c.status { // all but the status stays as it is
		for field := range next {
			if field != "status" && field != "metadata" {
				delete(next, field)
			}
		}
		for field, v := range live.Body {
			if field != "status" && field != "metadata" {
				next[field] = v
			}
		}
		meta, was := mapAt(next, "metadata"), mapAt(live.Body, "metadata")
		for _, field := range []string{"labels", "annotations", "finalizers", "ownerReferences"} {
			delete(meta, field)
			if v, ok := was[field]; ok {
				meta[field] = v
			}
		}
		return
	}
	delete(next, "status")
	if v, ok := live.Body["status"]; ok {
		next["status"] = v
	}
}

// sameContent compares what generation counts: all but metadata, and the status
// if it is a subresource.
func sameContent(k *Kind, a, b map[string]any) bool {
	return same(content(k, a), content(k, b))
}

// same compares JSON values.
func same(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for name, value := range x {
			other, ok := y[name]
			if !ok || !same(value, other) {
				return false
			}
		}
		return true
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, same)
	}
	return a == b
}

func content(k *Kind, m map[string]any) map[string]any {
	out := map[string]any{}
	for field, v := range m {
		if field != "metadata" && (field != "status" || !k.Status) {
			out[field] = v
		}
	}
	return out
}

// sameBut says that a write changes nothing but times of managedFields.
func sameBut(live, next map[string]any) bool {
	return same(timeless(live), timeless(next))
}

func timeless(m map[string]any) map[string]any {
	meta := mapAt(m, "metadata")
	entries, _ := meta["managedFields"].([]any)
	if len(entries) == 0 {
		return m
	}
	list := make([]any, len(entries))
	for i, item := range entries {
		entry := map[string]any{}
		for field, v := range item.(map[string]any) {
			if field != "time" {
				entry[field] = v
			}
		}
		list[i] = entry
	}
	out, outMeta := map[string]any{}, map[string]any{}
	for field, v := range m {
		out[field] = v
	}
	for field, v := range meta {
		outMeta[field] = v
	}
	outMeta["managedFields"] = list
	out["metadata"] = outMeta
	return out
}

// newObject makes a state of an object.
func newObject(c call, body map[string]any, version int64) *Object {
	o := &Object{Kind: c.kind, Namespace: c.namespace, Name: c.name, Version: version, Body: body}
	meta := mapAt(body, "metadata")
	delete(meta, "resourceVersion")
	if version > 0 {
		meta["resourceVersion"] = strconv.FormatInt(version, 10)
	}
	o.UID = textAt(body, "metadata", "uid")
	o.labels = map[string]string{}
	for name, value := range mapAt(body, "metadata", "labels") {
		o.labels[name], _ = value.(string)
	}
	o.raw = encode(make([]byte, 0, 1024), body)
	return o
}

// at is the object with another resource version, as a watch tells of its end.
func (o *Object) at(version int64) *Object {
	body := runtime.DeepCopyJSON(o.Body)
	return newObject(call{kind: o.Kind, namespace: o.Namespace, name: o.Name}, body, version)
}

// Deleting says that the object has a deletionTimestamp.
func (o *Object) Deleting() bool { return mapAt(o.Body, "metadata")["deletionTimestamp"] != nil }

// put stores a state and tells of it.
func (s *Server) put(c call, verb string, before, after *Object) *Object {
	s.objects[after.id()] = after
	s.publish(event{after.Version, before, after})
	s.changed(Change{c.by, verb, before, after})
	return after
}

// gone takes an object away, and returns it as it was last.
func (s *Server) gone(c call, last *Object) *Object {
	before := s.objects[last.id()]
	delete(s.objects, last.id())
	delete(s.merges, last.id())
	s.publish(event{s.next(), last, nil})
	s.changed(Change{c.by, "gone", before, nil})
	return last
}

func (s *Server) changed(change Change) {
	s.react(change)
	if s.options.Changed != nil {
		s.options.Changed(change)
	}
}

func conflict(c call, text string) error {
	return apierrors.NewConflict(c.kind.groupResource(), c.name, fmt.Errorf("%s", text))
}

// remove is a request for a deletion. It returns nil if all of it is gone.
func (s *Server) remove(c call) (*Object, error) {
	live := s.objects[c.id()]
	if live == nil {
		return nil, apierrors.NewNotFound(c.kind.groupResource(), c.name)
	}
	var options metav1.DeleteOptions
	if len(c.raw) > 0 {
		if err := utiljson.Unmarshal(c.raw, &options); err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
	}
	if p := options.Preconditions; p != nil {
		if p.UID != nil && string(*p.UID) != live.UID {
			return nil, conflict(c, fmt.Sprintf("Precondition failed: UID in precondition: %s, UID in object meta: %s", *p.UID, live.UID))
		}
		if p.ResourceVersion != nil && *p.ResourceVersion != strconv.FormatInt(live.Version, 10) {
			return nil, conflict(c, fmt.Sprintf("Precondition failed: ResourceVersion in precondition: %s, ResourceVersion in object meta: %d", *p.ResourceVersion, live.Version))
		}
	}
	if c.dryRun || len(options.DryRun) > 0 {
		return live, nil
	}
	propagation := metav1.DeletePropagationBackground
	if options.PropagationPolicy != nil {
		propagation = *options.PropagationPolicy
	}
	return s.delete(c, live, propagation)
}

// delete marks an object as going, or takes it away if nothing holds it.
func (s *Server) delete(c call, live *Object, propagation metav1.DeletionPropagation) (*Object, error) {
	if live.Deleting() {
		return live, nil
	}
	next := runtime.DeepCopyJSON(live.Body)
	finalizers := textsAt(next, "metadata", "finalizers")
	switch propagation {
	case metav1.DeletePropagationForeground:
		finalizers = append(finalizers, metav1.FinalizerDeleteDependents)
	case metav1.DeletePropagationOrphan:
		finalizers = append(finalizers, metav1.FinalizerOrphanDependents)
	}
	if live.Kind == namespaces || live.Kind == definitions {
		finalizers = append(finalizers, finalizerContent)
	}
	s.changed(Change{c.by, "delete", live, live})
	if len(finalizers) == 0 {
		s.gone(c, live)
		return nil, nil
	}
	setTexts(next, finalizers, "metadata", "finalizers")
	mapAt(next, "metadata")["deletionTimestamp"] = time.Now().UTC().Format(time.RFC3339)
	mapAt(next, "metadata")["deletionGracePeriodSeconds"] = int64(0)
	if live.Kind == namespaces {
		sets(next, "Terminating", "status", "phase")
	}
	if live.Counted {
		mapAt(next, "metadata")["generation"] = numberAt(next, "metadata", "generation") + 1
	}
	return s.put(call{by: c.by, kind: live.Kind, namespace: live.Namespace, name: live.Name}, "update", live,
		newObject(call{kind: live.Kind, namespace: live.Namespace, name: live.Name}, next, s.next())), nil
}
