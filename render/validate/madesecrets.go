package validate

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template/parse"
	"time"
)

// secretMaker looks at objects of which controllers make Secrets.
func secretMaker(r *report) {
	switch r.object.Key.GroupKind().String() {
	case "SealedSecret.bitnami.com":
		sealedSecret(r)
	case "ExternalSecret.external-secrets.io":
		externalSecret(r)
	}
}

// scopes are the annotations of a SealedSecret that say where it may be opened.
var scopes = []string{"sealedsecrets.bitnami.com/namespace-wide", "sealedsecrets.bitnami.com/cluster-wide"}

type sealedSpec struct {
	Spec struct {
		EncryptedData map[string]string `json:"encryptedData"`
		Template      struct {
			Metadata struct {
				Name        string            `json:"name"`
				Annotations map[string]string `json:"annotations"`
			} `json:"metadata"`
			Type string            `json:"type"`
			Data map[string]string `json:"data"`
		} `json:"template"`
	} `json:"spec"`
}

func sealedSecret(r *report) {
	var o sealedSpec
	if json.Unmarshal(r.object.JSON(), &o) != nil {
		return
	}
	template := &o.Spec.Template
	for _, scope := range scopes {
		own, stated := r.object.Annotations[scope]
		if stated && own != "true" && own != "false" {
			r.add(RuleSealedScope, keyed("metadata.annotations", scope), fmt.Sprintf("%.40q says nothing: the scope is strict", own), `write "true"`)
		}
		if !stated && template.Metadata.Annotations[scope] == "true" {
			r.add(RuleSealedScope, keyed("spec.template.metadata.annotations", scope), "this is for the Secret: the scope of the SealedSecret is strict", "annotate the SealedSecret itself")
		}
	}
	if name := template.Metadata.Name; name != "" && !strings.Contains(r.object.Key.Name, name) {
		r.add(RuleSealedTemplate, "spec.template.metadata.name", fmt.Sprintf("the Secret is called %s, as the SealedSecret", r.object.Key.Name), "")
	}
	for _, key := range secretKeys[template.Type] {
		_, sealed := o.Spec.EncryptedData[key]
		if _, templated := template.Data[key]; !sealed && !templated {
			r.add(RuleSealedTemplate, "spec.template.type", fmt.Sprintf("a Secret of type %s must have %s, which is not sealed", template.Type, key), "")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(template.Data)) {
		for _, name := range templateFields(template.Data[key]) {
			if _, sealed := o.Spec.EncryptedData[name]; !sealed {
				r.add(RuleSealedTemplate, keyed("spec.template.data", key), fmt.Sprintf("it uses .%s, which is not sealed", name), "")
			}
		}
	}
}

// templateFields are the items that a template prints: those that are looked at only
// to see whether they are there, or within what changes the dot, are left out.
func templateFields(text string) []string {
	tree := parse.New("item")
	tree.Mode = parse.SkipFuncCheck
	parsed, err := tree.Parse(text, "", "", map[string]*parse.Tree{})
	if err != nil || parsed.Root == nil {
		return nil
	}
	var names []string
	for _, node := range parsed.Root.Nodes {
		action, ok := node.(*parse.ActionNode)
		if !ok || len(action.Pipe.Cmds) == 0 {
			continue
		}
		if slices.ContainsFunc(action.Pipe.Cmds, func(c *parse.CommandNode) bool { return c.Args[0].String() == "default" }) {
			continue
		}
		for _, command := range action.Pipe.Cmds {
			for _, arg := range command.Args {
				if field, ok := arg.(*parse.FieldNode); ok && len(field.Ident) == 1 {
					names = append(names, field.Ident[0])
				}
			}
		}
	}
	return names
}

// leastRefresh is how often a provider is asked at most: below, many of them refuse,
// and some bill.
const leastRefresh = 10 * time.Second

func externalSecret(r *report) {
	var o struct {
		Spec struct {
			RefreshPolicy   string  `json:"refreshPolicy"`
			RefreshInterval *string `json:"refreshInterval"`
		} `json:"spec"`
	}
	const at = "spec.refreshInterval"
	if json.Unmarshal(r.object.JSON(), &o) != nil || o.Spec.RefreshInterval == nil {
		return
	}
	text := *o.Spec.RefreshInterval
	every, err := time.ParseDuration(text)
	switch policy := o.Spec.RefreshPolicy; {
	case err != nil:
		r.add(RuleRefresh, at, fmt.Sprintf("%.40q is no duration", text), "write 1h or 30m")
	case every < 0:
		r.add(RuleRefresh, at, text+" is negative", "")
	case (policy == "OnChange" || policy == "CreatedOnce") && every > 0:
		r.add(RuleRefresh, at, "it has no effect with refreshPolicy "+policy, "remove it")
	case policy == "Periodic" && every == 0:
		r.add(RuleRefresh, at, "refreshPolicy is Periodic, and with 0 it is never refreshed", "write 1h, or refreshPolicy: CreatedOnce")
	case every > 0 && every < leastRefresh:
		r.add(RuleRefresh, at, fmt.Sprintf("%s: the provider is asked more often than every %s", text, leastRefresh), "")
	}
}
