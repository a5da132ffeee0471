package kube

import (
	"fmt"

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
		next, _ := mergePatch(runtime.DeepCopyJSON(live.Body), patch).(map[string]any)
		return next, nil
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

// mergePatch is RFC 7386. It changes what it is given.
func mergePatch(target, patch any) any {
	fields, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	merged, ok := target.(map[string]any)
	if !ok {
		merged = map[string]any{}
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

// apply is server-side apply.
func (s *Server) apply(c call, live *Object) (*Object, error) {
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
		next, err := merged(c, map[string]any{
			"apiVersion": c.kind.GroupVersion().String(), "kind": c.kind.Kind, "metadata": map[string]any{"name": c.name, "namespace": c.namespace},
		}, patch)
		if err != nil {
			return nil, err
		}
		return s.begin(c, next)
	}
	next, err := merged(c, live.Body, patch)
	if err != nil {
		return nil, err
	}
	if version != "" {
		sets(next, version, "metadata", "resourceVersion")
	}
	return s.change(c, live, next, true)
}
