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

// renderClasses break what objects are rendered from: kustomizations, values and
// templates of charts.
func renderClasses() []*class {
	return []*class{
		{name: "resource dropped", truth: wrong, floor: 0.5, of: resourcesUsed},
		{name: "resource misspelt", truth: wrong, floor: 1, of: kustomizations("misspelt", misspellValue, "resources[]", "components[]", "files[]", "path")},
		{name: "kustomization's field misspelt", truth: wrong, floor: 1, of: kustomizationFields},
		{name: "generator renamed", truth: wrong, floor: 0.9, of: generatorsUsed},
		{name: "patch's target misspelt", truth: wrong, floor: 0.85, of: kustomizations("misspelt", misspellValue, "target.name", "target.kind", "select.name", "select.kind", "source.name", "source.kind", "replicas[].name")},
		{name: "patch's content misspelt", floor: 0.95, of: patchTexts},
		{name: "value of a chart deleted", floor: 0.95, of: chartValues("deleted", drop)},
		{name: "value of a chart misspelt", floor: 0.95, of: chartValues("name misspelt", func(s *specimen, p spot, r *rand.Rand) map[string]string {
			if p.key == "" {
				return nil
			}
			return misspellKey(s, p, r)
		})},
		{name: "value of a chart retyped", floor: 0.95, of: chartValues("retyped", retype)},
		{name: "template's word misspelt", floor: 0.95, of: templateWords},
		{name: "template's end lost", floor: 0.95, of: templateEnds},
		{name: "template's line deleted", floor: 0.95, of: templateLines},
	}
}

// kustomizations are texts of kustomizations at paths.
func kustomizations(how string, make maker, paths ...string) func(*specimen) []mutation {
	return func(s *specimen) []mutation {
		var all []mutation
		for _, d := range s.docs {
			for _, p := range d.spots() {
				if d.isKustomization() && p.isText() && endsIn(p, paths) {
					all = append(all, s.mutation(p, how, make))
				}
			}
		}
		return all
	}
}

func kustomizationFields(s *specimen) []mutation {
	var all []mutation
	for _, d := range s.docs {
		for _, p := range d.spots() {
			if d.isKustomization() && p.key != "" && !strings.Contains(p.path, "pairs.") && !strings.Contains(p.path, "nnotations.") && !strings.HasPrefix(p.path, "labels.") {
				all = append(all, s.mutation(p, "name misspelt", misspellKeyAnyCase))
			}
		}
	}
	return all
}

// misspellKeyAnyCase misspells in more than the case, which kustomize is not strict with.
func misspellKeyAnyCase(s *specimen, p spot, r *rand.Rand) map[string]string {
	name := p.key
	for strings.EqualFold(name, p.key) {
		name = slip(p.key, r)
	}
	return s.at(p, func(parent *yaml.Node, i int) { parent.Content[i-1].Value = name })
}

// resourcesUsed are files of kustomizations with something that another one refers to.
func resourcesUsed(s *specimen) []mutation {
	used := map[string]bool{}
	for _, d := range s.docs {
		if d.isManifest() && s.used(d) && s.unique(d) {
			used[d.file] = true
		}
	}
	var all []mutation
	for _, d := range s.docs {
		for _, p := range d.spots() {
			if d.isKustomization() && p.path == "resources[]" && used[path.Join(path.Dir(d.file), p.value.Value)] {
				all = append(all, s.mutation(p, "dropped", drop))
			}
		}
	}
	return all
}

// generatorsUsed are names of generators that objects refer to.
func generatorsUsed(s *specimen) []mutation {
	var all []mutation
	for _, d := range s.docs {
		for _, p := range d.spots() {
			kind := map[string]string{"configMapGenerator[].name": "ConfigMap", "secretGenerator[].name": "Secret"}[p.path]
			if !d.isKustomization() || kind == "" || p.beside("behavior") != "" {
				continue
			}
			used := slices.ContainsFunc(s.docs, func(o *document) bool {
				return slices.ContainsFunc(o.spots(), func(q spot) bool {
					return q.value.Value == p.value.Value && endsIn(q, usedBy[kind]) && !q.optional()
				})
			})
			if used {
				all = append(all, s.mutation(p, "renamed", rename))
			}
		}
	}
	return all
}

// patchTexts are patches within kustomizations.
func patchTexts(s *specimen) []mutation {
	var all []mutation
	for _, d := range s.docs {
		for _, p := range d.spots() {
			if !d.isKustomization() || !p.has("patch") || p.value.Kind != yaml.ScalarNode {
				continue
			}
			for i := range 3 {
				m := s.mutation(p, "misspelt", func(s *specimen, p spot, r *rand.Rand) map[string]string {
					words := word.FindAllStringIndex(p.value.Value, -1)
					at := words[r.IntN(len(words))]
					return s.at(p, func(parent *yaml.Node, i int) {
						parent.Content[i].Value = p.value.Value[:at[0]] + slip(p.value.Value[at[0]:at[1]], r) + p.value.Value[at[1]:]
					})
				})
				m.what += " " + strconv.Itoa(i)
				all = append(all, m)
			}
		}
	}
	return all
}

var (
	word = regexp.MustCompile(`[A-Za-z]{3,}`)
	// parameter is the last word of the first parameter of a template.
	parameter = regexp.MustCompile(`\{\{-? *(?:index )?\.?(?:[A-Za-z]+\.)*([A-Za-z]{3,})`)
)

// values are fields of charts' values.
func chartValues(how string, make maker) func(*specimen) []mutation {
	return func(s *specimen) []mutation {
		var all []mutation
		for _, d := range s.docs {
			if path.Base(d.file) != "values.yaml" && !strings.HasPrefix(d.file, "environments/") || d.field("kind") != "" {
				continue
			}
			for _, p := range d.spots() {
				if p.key != "" {
					all = append(all, s.mutation(p, how, make))
				}
			}
		}
		return all
	}
}

var (
	inBraces = regexp.MustCompile(`\{\{.*?\}\}`)
	called   = regexp.MustCompile(`\.?[A-Za-z][A-Za-z0-9]{2,}`)
	endings  = regexp.MustCompile(`\{\{-? *end *-?\}\}|\}\}`)
)

// templates are files with actions in them.
func (s *specimen) templates(each func(file, text string) []mutation) []mutation {
	var all []mutation
	for file, text := range s.files {
		chart, _, ok := strings.Cut("./"+file, "/templates/")
		if ok && s.files[strings.TrimPrefix(chart+"/Chart.yaml", "./")] != "" && strings.Contains(text, "{{") && path.Ext(file) != ".txt" {
			all = append(all, each(file, text)...)
		}
	}
	slices.SortFunc(all, func(a, b mutation) int { return strings.Compare(a.what, b.what) })
	return all
}

func templateWords(s *specimen) []mutation {
	return s.templates(func(file, text string) []mutation {
		var all []mutation
		for _, at := range inBraces.FindAllStringIndex(text, -1) {
			for _, w := range called.FindAllStringIndex(text[at[0]:at[1]], -1) {
				from, to := at[0]+w[0], at[0]+w[1]
				all = append(all, mutation{what: file + ":" + strconv.Itoa(from) + ": " + text[from:to] + " misspelt", make: func(r *rand.Rand) map[string]string {
					return map[string]string{file: text[:from] + slip(text[from:to], r) + text[to:]}
				}})
			}
		}
		return all
	})
}

func templateEnds(s *specimen) []mutation {
	return s.templates(func(file, text string) []mutation {
		var all []mutation
		for _, at := range endings.FindAllStringIndex(text, -1) {
			all = append(all, mutation{what: file + ":" + strconv.Itoa(at[0]) + ": lost", make: func(*rand.Rand) map[string]string {
				return map[string]string{file: text[:at[0]] + text[at[1]:]}
			}})
		}
		return all
	})
}

func templateLines(s *specimen) []mutation {
	return s.templates(func(file, text string) []mutation {
		var all []mutation
		rows := strings.SplitAfter(text, "\n")
		for i, row := range rows {
			if strings.TrimSpace(row) != "" {
				all = append(all, mutation{what: file + ":" + strconv.Itoa(i+1) + ": deleted", make: func(*rand.Rand) map[string]string {
					return map[string]string{file: strings.Join(slices.Delete(slices.Clone(rows), i, i+1), "")}
				}})
			}
		}
		return all
	})
}
