package helm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// A rendered is one document of what a template gave.
type rendered struct {
	template string // by helm's name
	nth      int    // in its template
	text     string
	json     []byte // nil if there is nothing in it
	head     head
}

// head is what helm looks at of an object.
type head struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   *struct {
		Name        string            `json:"name"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
}

// split takes the files that the templates gave apart into documents, in the
// order of names.
func split(files map[string]string) []*rendered {
	var all []*rendered
	for _, name := range sortedKeys(files) {
		if strings.HasPrefix(path.Base(name), "_") || strings.HasSuffix(name, notesSuffix) {
			continue
		}
		documents := releaseutil.SplitManifests(files[name])
		for i := range len(documents) {
			all = append(all, &rendered{template: name, nth: i, text: documents[fmt.Sprintf("manifest-%d", i)]})
		}
	}
	return all
}

// decode reads documents. It is most of the time of a render, so it uses all
// cores. The error is that of the first document in the order that has one.
func (t templates) decode(all []*rendered) error {
	errs := make([]error, len(all))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, d := range all {
		g.Go(func() error {
			errs[i] = d.decode()
			return nil
		})
	}
	_ = g.Wait() // the errors are in errs
	for i, err := range errs {
		if err != nil {
			return t.explainManifest(all[i], err)
		}
	}
	return nil
}

func (d *rendered) decode() (err error) {
	if d.json, err = yaml.YAMLToJSON([]byte(d.text)); err != nil {
		return err
	}
	if d.json = bytes.TrimSpace(d.json); string(d.json) == "null" {
		d.json = nil
		return nil
	}
	return json.Unmarshal(d.json, &d.head)
}

// hookAnnotation is what makes an object a hook.
const hookAnnotation = release.HookAnnotation

// events returns those that an object is a hook of. An object that is a hook of
// something unknown is left out, as helm does.
func (d *rendered) events() (events []string, unknown bool) {
	if d.head.Metadata == nil {
		return nil, false
	}
	list, ok := d.head.Metadata.Annotations[hookAnnotation]
	if !ok {
		return nil, false
	}
	for event := range strings.SplitSeq(list, ",") {
		event = strings.ToLower(strings.TrimSpace(event))
		if !slices.Contains(hookEvents, event) {
			return nil, true
		}
		events = append(events, event)
	}
	return events, false
}

// hookEvents are those that helm knows. "test-success" is Helm 2's.
var hookEvents = []string{
	"pre-install", "post-install", "pre-delete", "post-delete", "pre-upgrade", "post-upgrade", "pre-rollback", "post-rollback", "test", "test-success",
}

func isTest(event string) bool { return event == "test" || event == "test-success" }

// arrange puts documents into helm's order: objects by kind, then hooks by kind.
// Within a kind it is that of templates.
func (r *rendering) arrange(all []*rendered) []*rendered {
	var objects, hooks []*rendered
	for _, d := range all {
		events, unknown := d.events()
		switch {
		case d.json == nil, unknown, r.options.SkipTests && slices.ContainsFunc(events, isTest):
		case len(events) > 0:
			hooks = append(hooks, d)
		default:
			objects = append(objects, d)
		}
	}
	slices.SortStableFunc(objects, byKind)
	slices.SortStableFunc(hooks, byKind)
	return append(objects, hooks...)
}

// byKind is helm's order of installation; kinds that it does not know come last,
// by their names.
func byKind(a, b *rendered) int {
	rankA, rankB := rank(a.head.Kind), rank(b.head.Kind)
	if rankA != rankB || rankA < len(releaseutil.InstallOrder) {
		return rankA - rankB
	}
	return strings.Compare(a.head.Kind, b.head.Kind)
}

func rank(kind string) int {
	if i := slices.Index(releaseutil.InstallOrder, kind); i >= 0 {
		return i
	}
	return len(releaseutil.InstallOrder)
}

// documents are what the host gets, each with its place.
func (t templates) documents(all []*rendered) []sdk.Document {
	seen := map[string]int{}
	documents := make([]sdk.Document, len(all))
	for i, d := range all {
		documents[i] = sdk.Document{Data: d.json, File: t.place(d.template, 0), Line: t[d.template].line(d, seen)}
	}
	return documents
}
