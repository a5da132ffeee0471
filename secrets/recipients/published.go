package recipients

import (
	"fmt"

	"sigs.k8s.io/yaml"
)

// The agent publishes the public halves of its keys in this ConfigMap of its
// namespace, so that what is in Git can be checked by people who may not read the
// keys.
const (
	ConfigMap = "tidelock-recipients"
	// Entry is the item of the ConfigMap.
	Entry = "recipients.yaml"
)

// Sealing is the kind of the keys of sealed-secrets. Their ID is a fingerprint,
// which no SealedSecret names.
const Sealing = "sealed-secrets"

// maxPublished bounds what is read.
const maxPublished = 10_000

// Marshal writes recipients as they are published.
func Marshal(all []Recipient) (string, error) {
	text, err := yaml.Marshal(all)
	return string(text), err
}

// Parse reads what Marshal wrote, or the ConfigMap that holds it.
func Parse(text []byte) ([]Recipient, error) {
	var config struct {
		Kind string            `json:"kind"`
		Data map[string]string `json:"data"`
	}
	if err := yaml.Unmarshal(text, &config); err == nil && config.Kind == "ConfigMap" {
		entry, ok := config.Data[Entry]
		if !ok {
			return nil, fmt.Errorf("the ConfigMap has no entry %s", Entry)
		}
		text = []byte(entry)
	}
	var all []Recipient
	if err := yaml.UnmarshalStrict(text, &all); err != nil {
		return nil, fmt.Errorf("it is no list of recipients, nor the ConfigMap %s: %w", ConfigMap, err)
	}
	if len(all) > maxPublished {
		return nil, fmt.Errorf("more than %d recipients", maxPublished)
	}
	for i, r := range all {
		if r.Kind == "" {
			return nil, fmt.Errorf("recipient %d has no kind", i+1)
		}
	}
	return all, nil
}
