package apply

import (
	"fmt"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// What options make of an object: those of the operation, and its own.
func TestOptions(t *testing.T) {
	const none = "clientSide=false forces=false validation=Strict skips=false propagation=Foreground"
	for _, tt := range []struct{ name, kind, sync, own, want string }{
		{"none", "ConfigMap", "", "", none},
		{"2.15 fact 16: foreground is the default prune policy", "ConfigMap", "", "", none},
		{"1.6 PrunePropagationPolicy: background", "ConfigMap", "PrunePropagationPolicy=background", "", "clientSide=false forces=false validation=Strict skips=false propagation=Background"},
		{"1.6 PrunePropagationPolicy: orphan", "ConfigMap", "PrunePropagationPolicy=orphan", "", "clientSide=false forces=false validation=Strict skips=false propagation=Orphan"},
		{"1.6 PrunePropagationPolicy: foreground", "ConfigMap", "PrunePropagationPolicy=foreground", "", none},
		{"1.6 Validate=false: of the application", "ConfigMap", "Validate=false", "", "clientSide=false forces=false validation=Ignore skips=false propagation=Foreground"},
		{"1.6 Validate=false: of the object", "ConfigMap", "", "Validate=false", "clientSide=false forces=false validation=Ignore skips=false propagation=Foreground"},
		{"1.6 SkipDryRunOnMissingResource: of the application", "ConfigMap", "SkipDryRunOnMissingResource=true", "", "clientSide=false forces=false validation=Strict skips=true propagation=Foreground"},
		{"1.6 SkipDryRunOnMissingResource: of the object", "ConfigMap", "", "SkipDryRunOnMissingResource=true", "clientSide=false forces=false validation=Strict skips=true propagation=Foreground"},
		{"1.6 ServerSideApply=false: client-side", "ConfigMap", "ServerSideApply=false", "", "clientSide=true forces=false validation=Strict skips=false propagation=Foreground"},
		{"1.6 ServerSideApply: the object's own word counts", "ConfigMap", "ServerSideApply=false", "ServerSideApply=true", none},
		{"a Secret is never applied client-side", "Secret", "ServerSideApply=false", "", none},
		{"2.15 fact 13: Force=true is no option of an application", "ConfigMap", "Force=true", "", none},
		{"1.6 Force=true: on the object", "ConfigMap", "", "Force=true", "clientSide=false forces=true validation=Strict skips=false propagation=Foreground"},
		{"but never of what nobody can apply again", "Namespace", "", "Force=true", none},
		{"1.6 whitespace: is trimmed", "ConfigMap", "", " Force=true , Validate=false ", "clientSide=false forces=true validation=Ignore skips=false propagation=Foreground"},
		{"1.6 exact words: Force=True and force=true are none", "ConfigMap", "validate=false", "Force=True,force=true", none},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := optioned(t, tt.kind, tt.own)
			options := Options{Sync: api.ParseSyncOptions(tt.sync)}
			got := fmt.Sprintf("clientSide=%v forces=%v validation=%s skips=%v propagation=%s",
				options.clientSide(o), options.forces(o), options.validation(o), options.SkipsMissing(o), options.Propagation())
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// Whether an object is replaced, by its own word first.
func TestReplaces(t *testing.T) {
	for _, tt := range []struct{ name, sync, own, want string }{
		{"not asked for", "", "", ""},
		{"1.6 Replace=true: of the application", "Replace=true,ServerSideApply=true", "", "true"},
		{"1.6 Replace=true: of the object", "", "Replace=true", "true"},
		{"1.6 Replace=false: of the object, against the application's", "Replace=true", "Replace=false", "false"},
		{"the first word counts", "Replace=true,Replace=false", "", "true"},
	} {
		if got := (Options{Sync: api.ParseSyncOptions(tt.sync)}).of(optioned(t, "ConfigMap", tt.own), "Replace"); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestForceOfTheOperation(t *testing.T) {
	if !(Options{Force: true}).forces(optioned(t, "ConfigMap", "")) {
		t.Error("1.7 syncStrategy force: the operation forces, and this object is not")
	}
}

func optioned(t *testing.T, kind, options string) *manifest.Object {
	t.Helper()
	o, err := manifest.New(map[string]any{
		"apiVersion": "v1", "kind": kind, "data": map[string]any{"a": "Yg=="},
		"metadata": map[string]any{"name": "a", "annotations": map[string]any{api.AnnotationSyncOptions: options}},
	}, manifest.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}
