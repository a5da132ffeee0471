package rollout

import (
	"fmt"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// On is what a workload restarts for. The zero On is nothing.
type On struct{ Secrets, ConfigMaps bool }

// ParseOn reads api.AnnotationRolloutOn.
func ParseOn(text string) (On, error) {
	var on On
	for word := range strings.SplitSeq(text, ",") {
		switch word = strings.TrimSpace(word); word {
		case "secrets":
			on.Secrets = true
		case "configmaps":
			on.ConfigMaps = true
		case "none":
			if strings.TrimSpace(text) != word {
				return On{}, fmt.Errorf("%s: %.80q: none stands alone", api.AnnotationRolloutOn, text)
			}
		default:
			return On{}, fmt.Errorf("%s: %.80q is none of secrets, configmaps and none", api.AnnotationRolloutOn, word)
		}
	}
	return on, nil
}

// follows says that the kind of an object is one to restart for.
func (on On) follows(kind string) bool {
	return kind == secret && on.Secrets || kind == configMap && on.ConfigMaps
}

// restarts says that objects of a kind restart their pods when the template changes.
// A StatefulSet or DaemonSet with the strategy OnDelete leaves that to others.
func restarts(key manifest.Key) bool {
	if key.Group != "apps" {
		return false
	}
	switch key.Kind {
	case "Deployment", "StatefulSet", "DaemonSet":
		return true
	}
	return false
}
