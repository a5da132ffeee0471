package check

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/tidelock-io/tidelock/plugins/sops/file"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// plain checks a file that is not encrypted against the creation rules: one whose
// path_regex matches it says that it should be, unless there is nothing in it
// that the rule encrypts.
func (c *checker) plain(at string, data []byte, rules *file.Rules) error {
	c.clear[at] = true
	if neverEncrypted(at) {
		return nil
	}
	rule, err := rules.For(at)
	if errors.Is(err, file.ErrNoRule) {
		return nil
	}
	if err != nil {
		c.result.add(Finding{Kind: Malformed, Path: at, Message: err.Error()})
		return nil //nolint:nilerr // it is a finding
	}
	if !rule.ByPath || rule.Part.Rule != "" && otherObjects(at, data) || !rule.Covers(at, data, rules) {
		return nil
	}
	c.result.add(Finding{
		Kind: NotEncrypted, Path: at,
		Message: fmt.Sprintf("a rule of %s is for it (hint: tidelock secrets encrypt)", rules.Path()),
	})
	return nil
}

// neverEncrypted are files that tools read by their name.
func neverEncrypted(at string) bool {
	name := path.Base(at)
	switch strings.TrimSuffix(strings.TrimSuffix(name, ".yaml"), ".yml") {
	case "kustomization", "Kustomization", "Chart":
		return true
	}
	return strings.HasPrefix(name, ".") && !strings.HasPrefix(name, ".env") && !strings.Contains(name, "docker")
}

// otherObjects says that a file holds objects of Kubernetes, and no Secret among
// them: what others have below data is not secret.
func otherObjects(at string, data []byte) bool {
	set, err := manifest.Parse(data, manifest.Origin{File: at})
	if err != nil || len(set) == 0 {
		return false
	}
	for _, o := range set {
		if o.Key.Group == "" && o.Key.Kind == "Secret" {
			return false
		}
	}
	return true
}
