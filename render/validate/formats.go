package validate

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// SARIF writes findings as SARIF 2.1.0, for what shows them in reviews.
func SARIF(out io.Writer, all []Finding, version string) error {
	type message struct {
		Text string `json:"text"`
	}
	type rule struct {
		ID    string  `json:"id"`
		Short message `json:"shortDescription"`
	}
	results, known := []any{}, []rule{}
	for _, r := range rules {
		known = append(known, rule{r.ID, message{r.Text}})
	}
	for _, f := range all {
		place := map[string]any{"artifactLocation": map[string]any{"uri": f.File}}
		if f.Line > 0 {
			place["region"] = map[string]any{"startLine": f.Line}
		}
		results = append(results, map[string]any{
			"ruleId": f.Rule, "level": string(f.Severity), "message": message{f.Text()},
			"locations":           []any{map[string]any{"physicalLocation": place}},
			"partialFingerprints": map[string]string{"tidelock/v1": strings.Join([]string{f.File, f.Rule, f.Object, f.Field}, "|")},
		})
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(map[string]any{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
		"runs": []any{map[string]any{
			"tool":    map[string]any{"driver": map[string]any{"name": "tidelock", "version": version, "informationUri": "https://github.com/tidelock-io/tidelock", "rules": known}},
			"results": results,
		}},
	})
}

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string       `xml:"name,attr"`
	Class   string       `xml:"classname,attr"`
	File    string       `xml:"file,attr,omitempty"`
	Failure *junitFailed `xml:"failure"`
}

type junitFailed struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes findings as the results of tests: a test that failed for each, and
// one that passed if there are none.
func JUnit(out io.Writer, all []Finding) error {
	suite := junitSuite{Name: "tidelock validate", Tests: max(1, len(all)), Failures: len(all)}
	for _, f := range all {
		suite.Cases = append(suite.Cases, junitCase{
			Name: f.Rule + " " + f.Position(), Class: f.Rule, File: f.File,
			Failure: &junitFailed{string(f.Severity), f.Text(), f.String()},
		})
	}
	if len(all) == 0 {
		suite.Cases = []junitCase{{Name: "validate", Class: "tidelock"}}
	}
	text, err := xml.MarshalIndent(suite, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s%s\n", xml.Header, text)
	return err
}

var (
	annotationText     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	annotationProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// GitHub writes findings as commands of GitHub's workflows, which annotate lines.
func GitHub(out io.Writer, all []Finding) error {
	for _, f := range all {
		line := ""
		if f.Line > 0 {
			line = fmt.Sprintf(",line=%d", f.Line)
		}
		if _, err := fmt.Fprintf(out, "::%s file=%s%s,title=%s::%s\n", f.Severity, annotationProperty.Replace(f.File), line, annotationProperty.Replace(f.Rule), annotationText.Replace(f.Text())); err != nil {
			return err
		}
	}
	return nil
}
