package notify

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/argoproj/notifications-engine/pkg/services"
	"github.com/tidelock-io/tidelock/secrets"
	yaml "go.yaml.in/yaml/v3"
)

// A Source is what an administrator has configured.
type Source struct {
	// ConfigMap is the data of argocd-notifications-cm.
	ConfigMap map[string]string
	// Secret is that of argocd-notifications-secret, to which services refer by
	// $KEY, and which templates find in .secrets.
	Secret map[string]secrets.Value
	// Namespace is the one whose own this is; "" for the agent's. Templates of another
	// namespace do not find .secrets, as in Argo CD.
	Namespace string
}

// typeWebhook is the type of service that is ours: see [webhook].
const typeWebhook = "webhook"

// asThePod are the types of services that log in as the agent's pod if nothing else is
// said: they are for administrators.
var asThePod = []string{"awssqs", "gcppubsub"}

// service makes the service of an entry service.TYPE or service.TYPE.NAME.
func (s Source) service(key string, plain map[string][]byte) (name string, made services.NotificationService, err error) {
	parts := strings.Split(key, ".")
	kind := parts[1]
	switch len(parts) {
	case 2:
		name = kind
	case 3:
		name = parts[2]
	default:
		return "", nil, fmt.Errorf("name it service.TYPE or service.TYPE.NAME")
	}
	if s.Namespace != "" && slices.Contains(asThePod, kind) {
		return name, nil, fmt.Errorf("services of type %s may log in as the agent's pod: they are for the agent's namespace only", kind)
	}
	options, missing, err := insertSecrets(s.ConfigMap[key], plain)
	if err != nil {
		return name, nil, err
	}
	if kind == typeWebhook {
		made, err = newWebhook(options)
	} else {
		made, err = services.NewService(kind, options)
	}
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("it refers to %s, which Secret argocd-notifications-secret does not have", strings.Join(missing, ", "))
	}
	return name, made, err
}

var reference = regexp.MustCompile(`\$[\w-]+`)

// insertSecrets puts values in place of $KEY, in texts of a YAML document. What is not
// there is left as it stands.
func insertSecrets(text string, plain map[string][]byte) (out []byte, missing []string, err error) {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return nil, nil, err
	}
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
			n.Value = reference.ReplaceAllStringFunc(n.Value, func(ref string) string {
				value, ok := plain[ref[1:]]
				if !ok {
					missing = append(missing, ref)
					return ref
				}
				return string(value)
			})
		}
		for _, child := range n.Content {
			visit(child)
		}
	}
	visit(&document)
	out, err = yaml.Marshal(&document)
	return out, missing, err
}
