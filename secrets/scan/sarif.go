package scan

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
)

// SARIF writes the report as SARIF 2.1.0, for what shows findings in reviews.
func (r *Report) SARIF(out io.Writer, version string) error {
	rules := map[string]string{}
	results := []sarifResult{}
	for _, f := range r.Findings {
		rules[f.Rule] = f.Description
		results = append(results, f.sarif())
	}
	driver := sarifDriver{Name: "tidelock", Version: version, URI: "https://github.com/tidelock-io/tidelock", Rules: []sarifRule{}}
	for _, id := range slices.Sorted(maps.Keys(rules)) {
		driver.Rules = append(driver.Rules, sarifRule{ID: id, Short: sarifText{rules[id]}})
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(sarifLog{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0",
		Runs: []sarifRun{{Tool: sarifTool{driver}, Results: results}},
	})
}

func (f Finding) sarif() sarifResult {
	place := sarifPlace{Artifact: sarifArtifact{URI: f.Path}}
	if f.Line > 0 {
		place.Region = &sarifRegion{Line: f.Line, EndLine: f.EndLine, Column: f.Column}
	}
	text := f.Description
	if f.Item != "" {
		text += ": " + f.Item
	}
	if f.Commit != "" {
		text += " (commit " + f.Commit + ")"
	}
	return sarifResult{
		Rule: f.Rule, Level: "error", Message: sarifText{text},
		Locations:    []sarifLocation{{place}},
		Fingerprints: map[string]string{"tidelock/v1": f.Fingerprint},
	}
}

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool    sarifTool     `json:"tool"`
	Results []sarifResult `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"version"`
	URI     string      `json:"informationUri"`
	Rules   []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID    string    `json:"id"`
	Short sarifText `json:"shortDescription"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifResult struct {
	Rule         string            `json:"ruleId"`
	Level        string            `json:"level"`
	Message      sarifText         `json:"message"`
	Locations    []sarifLocation   `json:"locations"`
	Fingerprints map[string]string `json:"partialFingerprints"`
}

type sarifLocation struct {
	Physical sarifPlace `json:"physicalLocation"`
}

type sarifPlace struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   *sarifRegion  `json:"region,omitempty"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	Line    int `json:"startLine"`
	EndLine int `json:"endLine,omitempty"`
	Column  int `json:"startColumn,omitempty"`
}
