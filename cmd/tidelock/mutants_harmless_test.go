package main

import (
	"math/rand/v2"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// harmlessClasses change what is as right afterwards as it was: of these nothing is to
// be found.
func harmlessClasses() []*class {
	return []*class{
		{name: "label added", truth: harmless, floor: 1, of: labelled("labels", "example.com/added")},
		{name: "annotation added", truth: harmless, floor: 1, of: labelled("annotations", "example.com/added")},
		{name: "keys reordered", truth: harmless, floor: 1, of: mappings(func(s *specimen, p spot, r *rand.Rand) map[string]string {
			return s.at(p, func(parent *yaml.Node, i int) { shuffleKeys(parent.Content[i], r) })
		})},
		{name: "documents reordered", truth: harmless, floor: 1, of: documentsReordered},
		{name: "written in another way", truth: harmless, floor: 1, of: restyled},
		{name: "comment added", truth: harmless, floor: 1, of: commented},
		{name: "replicas changed", truth: harmless, floor: 1, of: inObjects(func(f fieldSpot) bool { return f.path == "spec.replicas" && f.isNumber() && f.value.Value != "0" }, "changed", func(s *specimen, p spot, r *rand.Rand) map[string]string {
			return s.put(p, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(1 + r.IntN(5))})
		})},
		{name: "image updated", truth: harmless, floor: 1, of: inObjects(func(f fieldSpot) bool {
			return f.key == "image" && f.isText() && strings.Contains(f.path, "ontainers[]")
		}, "updated", updateImage)},
		{name: "object renamed everywhere", truth: harmless, floor: 1, of: renamedEverywhere},
		{name: "object added", truth: harmless, floor: 1, of: objectAdded},
		{name: "variable added", truth: harmless, floor: 1, of: variableAdded},
		{name: "entry of a ConfigMap added", truth: harmless, floor: 1, of: entryAdded},
		{name: "setting added", truth: harmless, floor: 1, of: settingAdded},
	}
}

func labelled(list, key string) func(*specimen) []mutation {
	return func(s *specimen) []mutation {
		var all []mutation
		for _, d := range s.docs {
			for _, p := range d.spots() {
				if !d.isManifest() || d.isKustomization() || p.path != "metadata" && !p.has("template.metadata") {
					continue
				}
				all = append(all, s.mutation(p, list+" added", func(s *specimen, p spot, r *rand.Rand) map[string]string {
					return s.at(p, func(parent *yaml.Node, i int) {
						meta := parent.Content[i]
						if valueOf(meta, list) == nil {
							meta.Content = append(meta.Content, scalar(list, 0), &yaml.Node{Kind: yaml.MappingNode})
						}
						into := valueOf(meta, list)
						into.Content = append(into.Content, scalar(key, 0), scalar("v"+strconv.Itoa(r.IntN(9)), 0))
					})
				}))
			}
		}
		return all
	}
}

// mappings are maps of all objects and kustomizations.
func mappings(make maker) func(*specimen) []mutation {
	return func(s *specimen) []mutation {
		var all []mutation
		for _, d := range s.docs {
			for _, p := range d.spots() {
				if p.value.Kind == yaml.MappingNode && len(p.value.Content) > 2 && (d.isManifest() || d.isKustomization()) && valueOf(d.root, "sops") == nil {
					all = append(all, s.mutation(p, "reordered", make))
				}
			}
		}
		return all
	}
}

// shuffleKeys reorders the keys of a map and of those in it.
func shuffleKeys(n *yaml.Node, r *rand.Rand) {
	if n.Kind == yaml.MappingNode {
		pairs := len(n.Content) / 2
		r.Shuffle(pairs, func(a, b int) {
			for i := range 2 {
				n.Content[2*a+i], n.Content[2*b+i] = n.Content[2*b+i], n.Content[2*a+i]
			}
		})
	}
	for _, child := range n.Content {
		shuffleKeys(child, r)
	}
}

// inFiles are changes of whole files of objects.
func inFiles(s *specimen, how string, wanted func(docs []*yaml.Node) bool, edit func(docs []*yaml.Node, r *rand.Rand)) []mutation {
	var all []mutation
	seen := map[string]bool{}
	for _, d := range s.docs {
		docs, err := readYAML(s.files[d.file])
		if err != nil || seen[d.file] || !d.isManifest() && !d.isKustomization() || strings.Contains(s.files[d.file], "\nsops:") || !wanted(docs) {
			continue
		}
		seen[d.file] = true
		all = append(all, mutation{what: d.file + ": " + how, make: func(r *rand.Rand) map[string]string {
			docs, err := readYAML(s.files[d.file])
			if err != nil {
				panic(err)
			}
			edit(docs, r)
			return map[string]string{d.file: printYAML(docs)}
		}})
	}
	return all
}

func documentsReordered(s *specimen) []mutation {
	return inFiles(s, "reordered", func(docs []*yaml.Node) bool { return len(docs) > 1 }, func(docs []*yaml.Node, r *rand.Rand) {
		r.Shuffle(len(docs), func(a, b int) { docs[a], docs[b] = docs[b], docs[a] })
	})
}

func restyled(s *specimen) []mutation {
	return inFiles(s, "restyled", func([]*yaml.Node) bool { return true }, func(docs []*yaml.Node, r *rand.Rand) {
		for _, doc := range docs {
			restyle(doc, r)
		}
	})
}

// restyle writes maps and lists in blocks or in braces, and texts with or without
// quotes.
func restyle(n *yaml.Node, r *rand.Rand) {
	if r.IntN(2) == 0 {
		switch {
		case n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode:
			n.Style ^= yaml.FlowStyle
		case n.Kind == yaml.ScalarNode && n.Tag == "!!str" && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0:
			n.Style = []yaml.Style{0, yaml.DoubleQuotedStyle, yaml.SingleQuotedStyle}[r.IntN(3)]
		}
	}
	for _, child := range n.Content {
		restyle(child, r)
	}
}

func commented(s *specimen) []mutation {
	return lines("commented", func(rows []string, i int, r *rand.Rand) []string {
		indent := rows[i][:len(rows[i])-len(strings.TrimLeft(rows[i], " "))]
		return slices.Insert(rows, i, indent+"# "+[]string{"see https://example.com/why", "TODO: ask the team {once}", "kind: Nothing", "password: see the vault"}[r.IntN(4)]+"\n")
	})(withoutTexts(s))
}

// withoutTexts leaves out files with texts of several lines, in which a comment is
// none, and templates.
func withoutTexts(s *specimen) *specimen {
	out := *s
	out.files = map[string]string{}
	for file, text := range s.files {
		if !strings.Contains(text, "|") && !strings.Contains(text, ">-") && !strings.Contains(text, ">\n") && !strings.Contains(text, "{{") {
			out.files[file] = text
		}
	}
	return &out
}

func updateImage(s *specimen, p spot, r *rand.Rand) map[string]string {
	slash := strings.LastIndexByte(p.value.Value, '/') + 1
	base, _, _ := strings.Cut(p.value.Value[slash:], "@")
	base, _, _ = strings.Cut(base, ":")
	name := p.value.Value[:slash] + base
	return s.set(p, name+[]string{":2.0.1", ":sha-1f2e3d4", "@sha256:" + strings.Repeat("0123456789abcdef", 4), ":v3.0.0-rc.1"}[r.IntN(4)])
}

// renamedEverywhere are objects whose name stands in objects only, and always alone.
func renamedEverywhere(s *specimen) []mutation {
	var all []mutation
	for _, d := range s.docs {
		name := d.field("metadata", "name")
		if s.parts || !d.isManifest() || d.isKustomization() || name == "" || usedBy[d.field("kind")] == nil {
			continue
		}
		if !s.onlyAlone(name) {
			continue
		}
		all = append(all, mutation{what: d.String() + ": renamed everywhere", make: func(*rand.Rand) map[string]string {
			mutant := map[string]string{}
			alone := regexp.MustCompile(`(^|[\s"'{\[:,])` + regexp.QuoteMeta(name) + `($|[\s"'}\],])`)
			for file, text := range s.files {
				if now := alone.ReplaceAllString(text, "${1}"+name+"-renamed${2}"); now != text {
					mutant[file] = now
				}
			}
			return mutant
		}})
	}
	return all
}

// onlyAlone says whether a name is nowhere a part of another text, and stands in
// manifests alone.
func (s *specimen) onlyAlone(name string) bool {
	for file, text := range s.files {
		if strings.Contains("/"+file, "/"+name+"/") {
			return false
		}
		if !strings.Contains(text, name) {
			continue
		}
		if !isYAML(file) || strings.Contains(text, "{{") || strings.Contains(text, "sops:") || path.Base(file) == "kustomization.yaml" {
			return false
		}
	}
	for _, d := range s.docs {
		for _, p := range d.spots() {
			if p.value.Kind == yaml.ScalarNode && p.value.Value != name && strings.Contains(p.value.Value, name) || strings.Contains(p.key, name) {
				return false
			}
		}
	}
	return true
}

func objectAdded(s *specimen) []mutation {
	var all []mutation
	seen := map[string]bool{}
	for _, d := range s.docs {
		if !d.isManifest() || d.isKustomization() || seen[d.file] || s.patches(d.file) || strings.Contains(s.files[d.file], "\nsops:") || d.field("kind") == "Application" || d.field("kind") == "AppProject" || d.field("kind") == "ApplicationSet" {
			continue
		}
		seen[d.file] = true
		all = append(all, mutation{what: d.file + ": an object", make: func(r *rand.Rand) map[string]string {
			return s.with(d.file, []string{
				"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: added-settings}\ndata: {level: info, url: 'https://example.com/a?b=c'}\n",
				"apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: added-robot}\nautomountServiceAccountToken: false\n",
				"apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: added-cleanup}\nspec:\n  schedule: '@daily'\n  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: 'registry.example.com/tools:1', args: [clean]}]}}}}\n",
				"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: added-disk}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n",
			}[r.IntN(4)])
		}})
	}
	return all
}

// settled adds an item to lists, or an entry to maps.
func added(wanted func(p spot) bool, how string, content func(r *rand.Rand) []*yaml.Node) func(*specimen) []mutation {
	return func(s *specimen) []mutation {
		var all []mutation
		for _, d := range s.docs {
			for _, p := range d.spots() {
				if d.isManifest() && !d.isKustomization() && wanted(p) {
					all = append(all, s.mutation(p, how, func(s *specimen, p spot, r *rand.Rand) map[string]string {
						return s.at(p, func(parent *yaml.Node, i int) {
							parent.Content[i].Content = append(parent.Content[i].Content, content(r)...)
						})
					}))
				}
			}
		}
		return all
	}
}

var variableAdded = added(func(p spot) bool { return p.has("env") && p.value.Kind == yaml.SequenceNode }, "a variable", func(r *rand.Rand) []*yaml.Node {
	return []*yaml.Node{read([]string{"{name: LOG_FORMAT, value: json}", "{name: NODE_NAME, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}", "{name: OPTIONAL, valueFrom: {secretKeyRef: {name: not-here, key: a, optional: true}}}"}[r.IntN(3)])}
})

var entryAdded = added(func(p spot) bool { return p.path == "data" && p.field("kind") == "ConfigMap" }, "an entry", func(r *rand.Rand) []*yaml.Node {
	return []*yaml.Node{scalar("added.conf", 0), scalar([]string{"a = b\n# password is in the vault\n", "retries: 5", "https://example.com/callback"}[r.IntN(3)], 0)}
})

var settingAdded = added(func(p spot) bool {
	return p.has("template.spec") && valueOf(p.value, "containers") != nil && valueOf(p.value, "hostPID") == nil
}, "a setting", func(r *rand.Rand) []*yaml.Node {
	pair := [][2]string{{"hostname", "web"}, {"shareProcessNamespace", "true"}, {"schedulerName", "default-scheduler"}, {"setHostnameAsFQDN", "false"}, {"nodeSelector", "{kubernetes.io/os: linux}"}}[r.IntN(5)]
	return []*yaml.Node{scalar(pair[0], 0), read(pair[1])}
})
