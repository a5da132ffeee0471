package main

import (
	"math/rand/v2"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// platformClasses break Applications, ApplicationSets, AppProjects, and what objects
// say to the engine.
func platformClasses() []*class {
	return []*class{
		{name: "Application's path misspelt", truth: wrong, floor: 0.9, files: true, of: ofKind("Application", misspellValue, "source.path", "sources[].path")},
		{name: "Application's field deleted", truth: wrong, floor: 0.95, of: ofKind("Application", drop, "spec.project", "spec.source", "spec.source.path", "spec.source.repoURL", "spec.destination", "spec.destination.server", "spec.destination.name")},
		{name: "Application's project misspelt", truth: wrong, floor: 0.9, of: projectsUsed},
		{name: "Application's destination ambiguous", truth: wrong, floor: 1, of: ofKind("Application", func(s *specimen, p spot, _ *rand.Rand) map[string]string {
			return s.at(p, func(parent *yaml.Node, _ int) {
				other := map[string]string{"server": "name", "name": "server"}[p.key]
				parent.Content = append(parent.Content, scalar(other, 0), scalar("https://other.example.com", 0))
			})
		}, "destination.server", "destination.name")},
		{name: "Application's option misspelt", truth: wrong, floor: 0.95, of: ofKind("Application", misspellValue, "syncOptions[]")},
		{name: "Application's values file misspelt", truth: wrong, floor: 1, files: true, of: ofKind("Application", misspellValue, "valueFiles[]")},
		{name: "dependency misspelt", truth: wrong, floor: 0.9, of: annotated("tidelock.io/depends-on", misspellValue)},
		{name: "wave that is no number", truth: wrong, floor: 1, of: annotated("argocd.argoproj.io/sync-wave", oneOf("first", "1.5", "-", "one"))},
		{name: "hook's word misspelt", truth: wrong, floor: 0.95, of: annotated("argocd.argoproj.io/hook", misspellValue)},
		{name: "hook's policy misspelt", truth: wrong, floor: 0.9, of: annotated("argocd.argoproj.io/hook-delete-policy", misspellValue)},
		{name: "object's option misspelt", truth: wrong, floor: 0.95, of: annotated("argocd.argoproj.io/sync-options", misspellValue)},
		{name: "annotation's name misspelt", truth: wrong, floor: 0.9, of: annotationNames},
		{name: "set's parameter misspelt", truth: wrong, floor: 0.9, of: setParameters},
		{name: "set's generator misspelt", truth: wrong, floor: 0.9, of: ofKind("ApplicationSet", misspellValue, "directories[].path", "files[].path", "mergeKeys[]")},
		{name: "project narrowed", truth: wrong, floor: 0.95, of: projectsNarrowed},
		{name: "window that never opens", truth: wrong, floor: 0.95, of: ofKind("AppProject", oneOf("0 0 30 2 *", "0 0 31 4 *", "0 0 31 2,4,6 *"), "syncWindows[].schedule")},
		{name: "window broken", truth: wrong, floor: 0.95, of: windows},
		{name: "object stated twice", truth: wrong, floor: 0.95, files: true, of: twice},
		{name: "Application copied", truth: wrong, floor: 0.9, of: copies},
		{name: "definition's name broken", truth: wrong, floor: 0.95, of: ofKind("CustomResourceDefinition", misspellValue, "metadata.name", "spec.names.plural", "spec.group")},
		{name: "policy's expression misspelt", floor: 0.95, of: expressions},
	}
}

// ofKind are fields of objects of a kind.
func ofKind(kind string, make maker, paths ...string) func(*specimen) []mutation {
	return func(s *specimen) []mutation {
		var all []mutation
		for _, d := range s.docs {
			for _, p := range d.spots() {
				if d.field("kind") == kind && endsIn(p, paths) && p.beside("exclude") != "true" {
					all = append(all, s.mutation(p, "changed", make))
				}
			}
		}
		return all
	}
}

// annotated are the values of an annotation.
func annotated(name string, make maker) func(*specimen) []mutation {
	return func(s *specimen) []mutation {
		var all []mutation
		for _, d := range s.docs {
			for _, p := range d.spots() {
				if d.isManifest() && p.key == name && strings.HasPrefix(p.path, "metadata.annotations.") {
					all = append(all, s.mutation(p, "changed", make))
				}
			}
		}
		return all
	}
}

// annotationNames are those that the engine reads.
func annotationNames(s *specimen) []mutation {
	var all []mutation
	for _, d := range s.docs {
		for _, p := range d.spots() {
			prefix, name, _ := strings.Cut(p.key, "/")
			if !d.isManifest() || !strings.HasPrefix(p.path, "metadata.annotations.") || prefix != "argocd.argoproj.io" && prefix != "tidelock.io" {
				continue
			}
			all = append(all, s.mutation(p, "name misspelt", func(s *specimen, p spot, r *rand.Rand) map[string]string {
				return s.at(p, func(parent *yaml.Node, i int) { parent.Content[i-1].Value = prefix + "/" + slip(name, r) })
			}))
		}
	}
	return all
}

// projectsUsed are names of projects that are stated here.
func projectsUsed(s *specimen) []mutation {
	made := s.made()["AppProject"]
	var all []mutation
	for _, d := range s.docs {
		for _, p := range d.spots() {
			if (d.field("kind") == "Application" || d.field("kind") == "ApplicationSet") && p.has("spec.project") && made[p.value.Value] {
				all = append(all, s.mutation(p, "misspelt", misspellValue))
			}
		}
	}
	return all
}

// setParameters are words of templates of ApplicationSets.
func setParameters(s *specimen) []mutation {
	var all []mutation
	for _, d := range s.docs {
		if d.field("kind") != "ApplicationSet" {
			continue
		}
		for _, p := range d.spots() {
			at := parameter.FindStringSubmatchIndex(p.value.Value)
			if at == nil || p.value.Kind != yaml.ScalarNode || strings.Contains(p.path, "templatePatch") {
				continue
			}
			all = append(all, s.mutation(p, "parameter misspelt", func(s *specimen, p spot, r *rand.Rand) map[string]string {
				text := p.value.Value
				return s.set(p, text[:at[2]]+slip(text[at[2]:at[3]], r)+text[at[3]:])
			}))
		}
	}
	return all
}

// projectsNarrowed are what projects with Applications allow.
func projectsNarrowed(s *specimen) []mutation {
	used := map[string]bool{}
	for _, d := range s.docs {
		if d.field("kind") == "Application" {
			used[d.field("spec", "project")] = true
		}
		if d.field("kind") == "ApplicationSet" {
			used[d.field("spec", "template", "spec", "project")] = true
		}
	}
	var all []mutation
	for _, d := range s.docs {
		if d.field("kind") != "AppProject" || !used[d.field("metadata", "name")] || d.field("spec", "permitOnlyProjectScopedClusters") == "true" {
			continue
		}
		for _, p := range d.spots() {
			if p.path == "spec.destinations" || p.path == "spec.sourceRepos" {
				all = append(all, s.mutation(p, "narrowed", func(s *specimen, p spot, r *rand.Rand) map[string]string {
					if p.key == "sourceRepos" {
						return s.put(p, read(`["https://git.example.com/nothing/of/ours.git"]`))
					}
					return s.put(p, read([]string{`[{server: "https://none.example.com", namespace: "*"}]`, `[{server: "*", namespace: "none-of-ours"}]`}[r.IntN(2)]))
				}))
			}
		}
	}
	return all
}

// read is a node of a text.
func read(text string) *yaml.Node {
	doc := &yaml.Node{}
	if err := yaml.Unmarshal([]byte(text), doc); err != nil {
		panic(err)
	}
	return doc.Content[0]
}

func windows(s *specimen) []mutation {
	var all []mutation
	for path, values := range map[string][]string{
		"syncWindows[].schedule": {"99 * * * *", "daily", "0 8 * * mon-fry", ""}, "syncWindows[].duration": {"0s", "9", "-1h", "long"},
		"syncWindows[].kind": {"allowed", "Denny", ""}, "syncWindows[].timeZone": {"Europe/Berlln", "CEST+1"},
	} {
		all = append(all, ofKind("AppProject", oneOf(values...), path)(s)...)
	}
	slices.SortFunc(all, func(a, b mutation) int { return strings.Compare(a.what, b.what) })
	return all
}

// twice are objects that their file states once more.
func twice(s *specimen) []mutation {
	var all []mutation
	for _, d := range s.docs {
		if !d.isManifest() || d.isKustomization() || d.field("metadata", "name") == "" || s.patches(d.file) || strings.HasPrefix(d.field("apiVersion"), "skaffold") {
			continue
		}
		all = append(all, mutation{what: d.String() + ": twice", make: func(*rand.Rand) map[string]string {
			docs, err := readYAML(s.files[d.file])
			if err != nil {
				panic(err)
			}
			return map[string]string{d.file: printYAML(append(docs, docs[d.at]))}
		}})
	}
	return all
}

// patches says whether a file is a patch: that states no object.
func (s *specimen) patches(file string) bool {
	for _, d := range s.docs {
		for _, p := range d.spots() {
			if d.isKustomization() && p.path == "patches[].path" && strings.HasSuffix(file, "/"+p.value.Value) {
				return true
			}
		}
	}
	return false
}

// ofApplications says whether an Application states others: two such are taken to be of
// an agent each.
func (s *specimen) ofApplications(app *document) bool {
	dir := app.field("spec", "source", "path") + "/"
	return slices.ContainsFunc(s.docs, func(d *document) bool {
		return d.field("kind") == "Application" && strings.HasPrefix(d.file, dir) || d.isKustomization() && strings.HasPrefix(d.file, dir) && strings.Contains(s.files[d.file], "Application")
	})
}

// copies are Applications that are there once more under another name: they state the
// same objects.
func copies(s *specimen) []mutation {
	var all []mutation
	for _, d := range s.docs {
		if d.field("kind") != "Application" || !d.isManifest() || s.ofApplications(d) {
			continue
		}
		all = append(all, mutation{what: d.String() + ": copied", make: func(*rand.Rand) map[string]string {
			docs, err := readYAML(s.files[d.file])
			if err != nil {
				panic(err)
			}
			again, err := readYAML(s.files[d.file])
			if err != nil {
				panic(err)
			}
			valueOf(valueOf(again[d.at].Content[0], "metadata"), "name").Value += "-copy"
			return map[string]string{d.file: printYAML(append(docs, again[d.at]))}
		}})
	}
	return all
}

// expressions are words of CEL.
func expressions(s *specimen) []mutation {
	var all []mutation
	for _, d := range s.docs {
		for _, p := range d.spots() {
			if d.field("apiVersion") != "admissionregistration.k8s.io/v1" || p.key != "expression" && p.key != "messageExpression" && p.key != "valueExpression" {
				continue
			}
			all = append(all, s.mutation(p, "misspelt", func(s *specimen, p spot, r *rand.Rand) map[string]string {
				words := word.FindAllStringIndex(p.value.Value, -1)
				if len(words) == 0 {
					return nil
				}
				at := words[r.IntN(len(words))]
				return s.set(p, p.value.Value[:at[0]]+slip(p.value.Value[at[0]:at[1]], r)+p.value.Value[at[1]:])
			}))
		}
	}
	return all
}
