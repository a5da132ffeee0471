package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/values"
	"github.com/tidelock-io/tidelock/render"
)

// Values gives the content of Secrets and ConfigMaps; values.Follower does. What a
// user does not name any more it need not follow.
type Values interface {
	Use(ctx context.Context, user values.User, objects ...values.Object) (map[values.Object]values.Content, error)
}

// ErrValues says that a value that an Application asks for cannot be had.
var ErrValues = errors.New("cannot take values")

// values reads what an Application takes from Secrets and ConfigMaps, for each of its
// sources.
func (p *Pipeline) values(ctx context.Context, app *api.Application, sources []api.Source) ([][]render.Value, error) {
	list, err := api.ValuesFrom(app.Annotations)
	if err == nil {
		err = p.permitValues(app, list, sources)
	}
	if err != nil {
		list = nil // and nothing is followed
	}
	found, readErr := p.contents(ctx, app, list)
	if err = errors.Join(err, readErr); err != nil {
		return nil, err
	}
	given := make([][]render.Value, len(sources))
	for n, v := range list {
		value, ok, err := valueOf(app, v, found)
		if err != nil {
			return nil, entryError(n, err)
		}
		for i := range sources {
			if ok && v.For(i, &sources[i]) {
				given[i] = append(given[i], value)
			}
		}
	}
	return given, nil
}

// contents reads the objects that a list names, each once.
func (p *Pipeline) contents(ctx context.Context, app *api.Application, list []api.ValueFrom) (map[values.Object]values.Content, error) {
	var objects []values.Object
	for _, v := range list {
		if o := objectOf(app, v); !slices.Contains(objects, o) {
			objects = append(objects, o)
		}
	}
	if p.Values == nil && len(list) == 0 {
		return nil, nil
	}
	if p.Values == nil {
		return nil, fmt.Errorf("%w: annotation %s: there are none here", ErrValues, api.AnnotationValuesFrom)
	}
	return p.Values.Use(ctx, valuesUser(app.Namespace, app.Name), objects...)
}

// valuesUser is an Application that takes values.
func valuesUser(namespace, name string) values.User {
	return values.User{Namespace: namespace, Name: name, Purpose: "values"}
}

// release follows nothing for an Application any more.
func (p *Pipeline) release(app string) {
	if p.Values == nil {
		return
	}
	namespace, name := api.ParseInstanceName(app, p.Namespace)
	_, _ = p.Values.Use(context.Background(), valuesUser(namespace, name)) // of no objects there is nothing to wait for
}

// objectOf is what an entry names: always in the Application's own namespace.
func objectOf(app *api.Application, v api.ValueFrom) values.Object {
	return values.Object{Kind: v.Kind, Namespace: app.Namespace, Name: v.Name}
}

// permitValues asks the project about each entry, before anything is read, and makes
// sure that each is for a source that there is.
func (p *Pipeline) permitValues(app *api.Application, list []api.ValueFrom, sources []api.Source) error {
	for n, v := range list {
		if p.PermitValues == nil {
			return entryError(n, errors.New("there is no project to ask"))
		}
		if err := p.PermitValues(app)(v.Kind, v.Name); err != nil {
			return entryError(n, err)
		}
		if v.Source == "" && len(sources) > 1 {
			return entryError(n, fmt.Errorf("the Application has %d sources: say by source, a name or a number from 1, which one it is for", len(sources)))
		}
		if !slices.ContainsFunc(indexes(sources), func(i int) bool { return v.For(i, &sources[i]) }) {
			return entryError(n, fmt.Errorf("source: no source has the name or the number %.80q", v.Source))
		}
	}
	return nil
}

func indexes(sources []api.Source) []int {
	all := make([]int, len(sources))
	for i := range all {
		all[i] = i
	}
	return all
}

func entryError(n int, err error) error {
	return fmt.Errorf("%w: annotation %s: entry %d: %w", ErrValues, api.AnnotationValuesFrom, n+1, err)
}

// valueOf finds the value of an entry; false if it is optional and not there.
func valueOf(app *api.Application, v api.ValueFrom, found map[values.Object]values.Content) (render.Value, bool, error) {
	object := objectOf(app, v)
	content := found[object]
	switch {
	case errors.Is(content.Err, fs.ErrNotExist) && v.Optional:
		return render.Value{}, false, nil
	case errors.Is(content.Err, fs.ErrNotExist):
		err := fmt.Errorf("there is no %s: create it, or set optional: true", object)
		if content.Hint != "" {
			err = fmt.Errorf("%w; %s", err, content.Hint)
		}
		return render.Value{}, false, err
	case content.Err != nil:
		return render.Value{}, false, fmt.Errorf("%s: %w", object, content.Err)
	}
	plain, ok := content.Data[v.Key]
	if !ok && v.Optional {
		return render.Value{}, false, nil
	}
	if !ok {
		return render.Value{}, false, fmt.Errorf("%s has no key %s, it has %s: correct the key, or set optional: true", object, v.Key, keysOf(content))
	}
	return render.Value{
		From: object.String(), Key: v.Key, Secret: v.Kind == values.Secret, Plain: plain, Path: v.TargetPath, File: v.File,
	}, true, nil
}

func keysOf(c values.Content) string {
	if len(c.Data) == 0 {
		return "none"
	}
	keys := slices.Sorted(maps.Keys(c.Data))
	if len(keys) > 10 {
		keys = append(keys[:10], "…")
	}
	return strings.Join(keys, ", ")
}
