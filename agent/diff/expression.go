package diff

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/itchyny/gojq"
)

// Limits on what the owners of Applications write.
const (
	maxExpression = 8 << 10
	maxPlaces     = 10_000
	// jqTime bounds one expression on one object, as in Argo CD (SEMANTICS.md 1.5).
	jqTime = time.Second
	// jqTries is how often an expression may take too long before it is left out:
	// objects change often.
	jqTries = 3
)

// An expression finds places.
type expression struct {
	text   string
	find   func(*Places, *searched) (found bool, err error)
	awaits bool         // it may find something only later
	used   atomic.Bool  // it has found something
	slow   atomic.Int32 // how often it took too long
}

// A searched is an object in which expressions look for places.
type searched struct {
	object map[string]any
	plain  any // see forJQ; nil before it is needed
}

// search adds the places that an expression finds. One that cannot be made
// sense of in this object finds nothing.
func (e *expression) search(all *Places, in *searched) {
	if e.slow.Load() >= jqTries {
		return
	}
	found, err := e.find(all, in)
	if errors.Is(err, context.DeadlineExceeded) {
		e.slow.Add(1)
	}
	if found && !e.used.Load() {
		e.used.Store(true)
	}
}

// A pointer is an RFC 6901 JSON pointer.
type pointer []string

func parsePointer(text string) (pointer, error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("JSON pointer of %d bytes, and %d at most", len(text), maxExpression)
	}
	if !strings.HasPrefix(text, "/") {
		return nil, fmt.Errorf("JSON pointer %.80q must begin with a slash, as in /spec/replicas", text)
	}
	steps := strings.Split(text[1:], "/")
	for i, step := range steps {
		steps[i] = unescaped.Replace(step)
	}
	return steps, nil
}

var unescaped = strings.NewReplacer("~1", "/", "~0", "~")

func (p pointer) find(all *Places, in *searched) (bool, error) {
	at, ok := p.follow(in.object)
	if ok {
		all.add(at)
	}
	return ok, nil
}

// follow turns a pointer into a path, if it leads anywhere.
func (p pointer) follow(object any) (at []any, ok bool) {
	for _, step := range p {
		switch v := object.(type) {
		case map[string]any:
			child, exists := v[step]
			if !exists {
				return nil, false
			}
			object, at = child, append(at, step)
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v) || strconv.Itoa(i) != step {
				return nil, false
			}
			object, at = v[i], append(at, i)
		default:
			return nil, false
		}
	}
	return at, true
}

// A query is a jq expression that gives paths.
type query struct{ code *gojq.Code }

func parseQuery(text string) (query, error) {
	if len(text) > maxExpression {
		return query{}, fmt.Errorf("jq expression of %d bytes, and %d at most", len(text), maxExpression)
	}
	_, err := gojq.Parse(text)
	if err != nil {
		return query{}, fmt.Errorf("jq expression %.80q: %w", text, err)
	}
	parsed, err := gojq.Parse("path(" + text + "\n)") // the line may end with a comment
	if err != nil {
		return query{}, fmt.Errorf("jq expression %.80q: %w", text, err)
	}
	code, err := gojq.Compile(parsed, gojq.WithEnvironLoader(func() []string { return nil }))
	if err != nil {
		return query{}, fmt.Errorf("jq expression %.80q: %w", text, err)
	}
	return query{code}, nil
}

func (q query) find(all *Places, in *searched) (found bool, err error) {
	if in.plain == nil {
		in.plain = forJQ(in.object)
	}
	ctx, cancel := context.WithTimeout(context.Background(), jqTime)
	defer cancel()
	results := q.code.RunWithContext(ctx, in.plain)
	for range maxPlaces {
		result, ok := results.Next()
		if !ok {
			return found, nil
		}
		if err, failed := result.(error); failed {
			return found, err
		}
		if at, ok := result.([]any); ok && exists(in.plain, at) {
			all.add(at)
			found = true
		}
	}
	return found, nil
}

// exists says that a path leads to something: jq gives also those that do not.
func exists(object any, at []any) bool {
	for _, step := range at {
		switch step := step.(type) {
		case string:
			m, _ := object.(map[string]any)
			child, ok := m[step]
			if !ok {
				return false
			}
			object = child
		case int:
			list, _ := object.([]any)
			if step < 0 || step >= len(list) {
				return false
			}
			object = list[step]
		default:
			return false
		}
	}
	return len(at) > 0
}

// forJQ copies a value in the types that jq knows.
func forJQ(value any) any {
	switch v := value.(type) {
	case int64:
		return int(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, child := range v {
			out[name] = forJQ(child)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = forJQ(item)
		}
		return out
	}
	return value
}

// A managed is the name of a field manager, all of whose fields are ignored.
type managed string

func (m managed) find(all *Places, in *searched) (found bool, err error) {
	meta, _ := in.object["metadata"].(map[string]any)
	list, _ := meta["managedFields"].([]any)
	var mine, others []map[string]any
	for _, item := range list {
		entry, _ := item.(map[string]any)
		fields, _ := entry["fieldsV1"].(map[string]any)
		if entry["manager"] == string(m) {
			mine = append(mine, fields)
		} else {
			others = append(others, fields)
		}
	}
	mine = slices.DeleteFunc(mine, func(fields map[string]any) bool { return len(fields) == 0 })
	for _, fields := range mine {
		all.owned(fields, others, nil)
	}
	return len(mine) > 0, nil
}
