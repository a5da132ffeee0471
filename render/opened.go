package render

import (
	"github.com/tidelock-io/tidelock/plugins/sops/leaves"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/leak"
)

// note keeps how to know the values of a decrypted file again, and not the values:
// what it was read for may be kept for long, and is asked each time whether it
// shows one.
func (v *view) note(name, format string, cipher, plain []byte) {
	where := v.where(name)
	for _, leaf := range leaves.Of(format, cipher, plain) {
		if secret, ok := leak.New(where, leaf.Path, leaf.Value); ok {
			v.opened = append(v.opened, secret)
		}
	}
}

// where is what a file is called in messages.
func (v *view) where(name string) string {
	return manifest.Origin{Source: v.request.SourceIndex, File: v.mounts.label(name)}.String()
}

// Opened collects what was decrypted for all sources.
func (r *Rendering) Opened() (all []leak.Secret) {
	for _, s := range r.Sources {
		all = append(all, s.Opened...)
	}
	return all
}
