package kube

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
)

func (s *Server) get(c call) (*Object, error) {
	if o := s.objects[c.id()]; o != nil {
		return o, nil
	}
	return nil, apierrors.NewNotFound(c.kind.groupResource(), c.name)
}

// A selection is what a listing or a watch is of.
type selection struct {
	kind      *Kind
	namespace string
	labels    labels.Selector
	name      string // of metadata.name; "" is all
	partial   bool   // metadata only
}

func (c call) selection(r *http.Request) (selection, error) {
	sel := selection{kind: c.kind, namespace: c.namespace, partial: partial(r)}
	var err error
	if sel.labels, err = labels.Parse(c.query.Get("labelSelector")); err != nil {
		return sel, apierrors.NewBadRequest(err.Error())
	}
	byField, err := fields.ParseSelector(c.query.Get("fieldSelector"))
	if err != nil {
		return sel, apierrors.NewBadRequest(err.Error())
	}
	sel.name, _ = byField.RequiresExactMatch("metadata.name")
	return sel, nil
}

// of says that an object is of the kind and place of the selection, whatever its
// labels are.
func (sel selection) of(o *Object) bool {
	return o.Kind == sel.kind && (sel.namespace == "" || o.Namespace == sel.namespace) && (sel.name == "" || o.Name == sel.name)
}

func (sel selection) matches(o *Object) bool {
	return sel.of(o) && sel.labels.Matches(labels.Set(o.labels))
}

// selected returns the objects of a selection, in the order of their names.
func (s *Server) selected(sel selection) (found []*Object) {
	for _, o := range s.objects {
		if sel.matches(o) {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b *Object) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	return found
}

func (s *Server) list(r *http.Request, c call) (*http.Response, error) {
	sel, err := c.selection(r)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	kind, version := c.kind.Kind+"List", c.kind.GroupVersion().String()
	if sel.partial {
		kind, version = "PartialObjectMetadataList", "meta.k8s.io/v1"
	}
	b.WriteString(`{"kind":"` + kind + `","apiVersion":"` + version + `","metadata":{"resourceVersion":"` + strconv.FormatInt(s.version, 10) + `"},"items":[`)
	for i, o := range s.selected(sel) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(sel.shown(o))
	}
	b.WriteString("]}")
	return respond(r, http.StatusOK, b.Bytes()), nil
}

func partial(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadata")
}

func (c call) shown(r *http.Request, o *Object) []byte {
	return selection{partial: partial(r)}.shown(o)
}

// shown is the JSON of an object, or of its metadata.
func (sel selection) shown(o *Object) []byte {
	if !sel.partial {
		return o.raw
	}
	return encode(nil, map[string]any{
		"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": o.Body["metadata"],
	})
}
