package kube

import (
	"bytes"
	"fmt"
	"maps"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes/scheme"
)

// patch changes an object in the way that the content type says.
func (s *Server) patch(c call) (*Object, error) {
	live := s.objects[c.id()]
	if types.PatchType(c.format) == types.ApplyPatchType {
		return s.apply(c, live)
	}
	if live == nil {
		return nil, apierrors.NewNotFound(c.kind.groupResource(), c.name)
	}
	next, err := patched(c, live)
	if err != nil {
		return nil, err
	}
	return s.change(c, live, next, false)
}

func patched(c call, live *Object) (map[string]any, error) {
	var raw []byte
	var err error
	switch types.PatchType(c.format) {
	case types.MergePatchType:
		var patch map[string]any
		if err := utiljson.Unmarshal(c.raw, &patch); err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		next, _ := mergePatch(live.Body, patch).(map[string]any)
		return unshared(next), nil
	case types.JSONPatchType:
		var patch jsonpatch.Patch
		if patch, err = jsonpatch.DecodePatch(c.raw); err == nil {
			if raw, err = patch.Apply(live.raw); err != nil { // a test that fails, among others
				return nil, apierrors.NewGenericServerResponse(422, "patch", c.kind.groupResource(), c.name, err.Error(), 0, false)
			}
		}
	case types.StrategicMergePatchType:
		typed, unknown := scheme.Scheme.New(c.kind.GroupVersionKind)
		if unknown != nil {
			return nil, apierrors.NewGenericServerResponse(415, "patch", c.kind.groupResource(), c.name, "", 0, false)
		}
		raw, err = strategicpatch.StrategicMergePatch(live.raw, c.raw, typed)
	default:
		return nil, apierrors.NewGenericServerResponse(415, "patch", c.kind.groupResource(), c.name, "", 0, false)
	}
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	var next map[string]any
	if err := utiljson.Unmarshal(raw, &next); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	return next, nil
}

// mergePatch is RFC 7386. What the patch does not touch, the result shares with the
// target.
func mergePatch(target, patch any) any {
	fields, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	was, _ := target.(map[string]any)
	merged := make(map[string]any, len(was)+len(fields))
	for name, value := range was {
		merged[name] = value
	}
	for name, value := range fields {
		if value == nil {
			delete(merged, name)
			continue
		}
		merged[name] = mergePatch(merged[name], value)
	}
	return merged
}

// unshared copies those maps of an object that the server itself writes to.
func unshared(object map[string]any) map[string]any {
	for _, path := range [][]string{{"metadata"}, {"metadata", "labels"}, {"spec"}} {
		if m := mapAt(object, path...); m != nil {
			sets(object, maps.Clone(m), path...)
		}
	}
	return object
}

// apply is server-side apply.
func (s *Server) apply(c call, live *Object) (*Object, error) {
	next, err := s.merged(c, live)
	if err != nil {
		return nil, err
	}
	if live == nil {
		return s.begin(c, next)
	}
	return s.change(c, live, next, true)
}

// A merge is what an apply came to. Most are asked for twice: as a dry run, and
// in earnest.
type merge struct {
	on      *Object
	at      int64 // for the times in managedFields
	manager string
	force   bool
	raw     []byte
	next    map[string]any // not to be changed
}

// merged is what an apply makes of an object.
func (s *Server) merged(c call, live *Object) (map[string]any, error) {
	now := time.Now().Unix()
	if m := s.merges[c.id()]; m != nil && m.on == live && m.at == now && m.manager == c.manager && m.force == c.force && bytes.Equal(m.raw, c.raw) {
		return runtime.DeepCopyJSON(m.next), nil
	}
	next, err := mergedFirst(c, live)
	if err != nil {
		return nil, err
	}
	s.merges[c.id()] = &merge{live, now, c.manager, c.force, c.raw, next}
	return runtime.DeepCopyJSON(next), nil
}

func mergedFirst(c call, live *Object) (map[string]any, error) {
	var patch map[string]any // YAML in general: JSON by all who are here
	if err := utiljson.Unmarshal(c.raw, &patch); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if name := textAt(patch, "metadata", "name"); name != c.name && name != "" {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("the name of the object (%s) does not match the name on the URL (%s)", name, c.name))
	}
	version := textAt(patch, "metadata", "resourceVersion")
	delete(mapAt(patch, "metadata"), "resourceVersion")
	if live == nil {
		if version != "" {
			return nil, conflict(c, "the object does not exist")
		}
		return merged(c, map[string]any{
			"apiVersion": c.kind.GroupVersion().String(), "kind": c.kind.Kind, "metadata": map[string]any{"name": c.name, "namespace": c.namespace},
		}, patch)
	}
	next, err := merged(c, live.Body, patch)
	if err == nil && version != "" {
		next = maps.Clone(next) // which shares maps with what is live
		sets(next, maps.Clone(mapAt(next, "metadata")), "metadata")
		sets(next, version, "metadata", "resourceVersion")
	}
	return next, err
}
