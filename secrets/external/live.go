package external

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets"
)

// AnnotationFetched is on Secrets whose provider must not be asked again when
// the agent starts: those with generated values, and those of a refresh policy
// that asks but once. It holds when they were fetched, and a hash of what for.
const AnnotationFetched = "tidelock.io/fetched"

// manager is the field manager of our applies (DESIGN.md D6).
const manager = "tidelock"

// liveSecret is what is read of one.
type liveSecret struct {
	Type      string            `json:"type"`
	Immutable bool              `json:"immutable"`
	Data      map[string][]byte `json:"data"`
	Metadata  struct {
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
		Finalizers  []any             `json:"finalizers"`
		Managed     []struct {
			Manager   string         `json:"manager"`
			Operation string         `json:"operation"`
			Fields    map[string]any `json:"fieldsV1"`
		} `json:"managedFields"`
	} `json:"metadata"`
}

// live returns what the cluster remembers of the last fetch: the Secret itself,
// as far as it is ours. Of a Secret that external-secrets made, and that is taken
// over, all is. The memory is zero if there is none.
func (r *Resolver) live(ctx context.Context, s *spec, req Request, input string) (memory, error) {
	raw, err := req.Cluster.Get(ctx, "v1", "Secret", req.Object.Key.Namespace, s.Target.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return memory{}, nil
	}
	if err != nil {
		return memory{}, fmt.Errorf("whether its Secret is there already: %w", err)
	}
	var found liveSecret
	if err := json.Unmarshal(raw, &found); err != nil {
		return memory{}, fmt.Errorf("%w: Secret %s/%s", ErrInvalid, req.Object.Key.Namespace, s.Target.Name)
	}
	if found.Metadata.Labels[managedLabel] == "" {
		return memory{}, nil // nobody has fetched it
	}
	at, of := r.now(), input
	if stamped, ok := found.Metadata.Annotations[AnnotationFetched]; ok {
		at, of = parseStamp(stamped)
	} else {
		found.Metadata.Annotations = withAnnotation(found.Metadata.Annotations, AnnotationFetched, stamp(at, of))
	}
	secret, err := found.object(s, req.Object)
	if err != nil {
		return memory{}, err
	}
	next, err := s.due(req.Application, at)
	result := s.result(at)
	result.Secret, result.Next = secret, next
	return memory{input: of, result: result, good: true, next: next}, err
}

// stamp is the value of AnnotationFetched.
func stamp(at time.Time, input string) string {
	return at.UTC().Format(time.RFC3339) + " " + input
}

func parseStamp(text string) (at time.Time, input string) {
	when, input, _ := strings.Cut(text, " ")
	at, err := time.Parse(time.RFC3339, when)
	if err != nil {
		return time.Time{}, "unreadable"
	}
	return at, input
}

// object is the part of a live Secret that was applied.
func (l *liveSecret) object(s *spec, from *manifest.Object) (*manifest.Object, error) {
	ours := l.ours()
	meta := map[string]any{"name": s.Target.Name, "namespace": from.Key.Namespace}
	labels, annotations := map[string]any{}, map[string]any{}
	for key, value := range l.Metadata.Labels {
		if ours("f:metadata", "f:labels", "f:"+key) && !strings.HasPrefix(key, "tidelock.io/") {
			labels[key] = value
		}
	}
	for key, value := range l.Metadata.Annotations {
		// The engine's own are added anew, if they are still wanted.
		_, stated := s.Target.Template.Metadata.Annotations[key]
		own := key == AnnotationFetched
		engines := strings.HasPrefix(key, "argocd.argoproj.io/") || key == dataHash
		if own || ours("f:metadata", "f:annotations", "f:"+key) && (stated || !engines) {
			annotations[key] = value
		}
	}
	meta["labels"] = labels
	if len(annotations) > 0 {
		meta["annotations"] = annotations
	}
	if finalizers := s.Target.Template.Metadata.Finalizers; len(finalizers) > 0 {
		meta["finalizers"] = anySlice(finalizers)
	}
	body := map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": meta}
	if l.Type != "" && ours("f:type") {
		body["type"] = l.Type
	}
	if l.Immutable && ours("f:immutable") {
		body["immutable"] = true
	}
	data := map[string]secrets.Value{}
	for key, plain := range l.Data {
		if ours("f:data", "f:"+key) {
			data[key] = secrets.New(plain)
		}
	}
	o, err := manifest.New(body, from.Origin)
	if err != nil {
		return nil, err
	}
	return o.WithData(data)
}

// ours tells which fields we have applied; all, if we have applied none.
func (l *liveSecret) ours() func(path ...string) bool {
	for _, entry := range l.Metadata.Managed {
		if entry.Manager != manager || entry.Operation != "Apply" {
			continue
		}
		return func(path ...string) bool {
			node := entry.Fields
			for _, step := range path {
				next, ok := node[step].(map[string]any)
				if !ok {
					return false
				}
				node = next
			}
			return true
		}
	}
	return func(...string) bool { return true }
}
