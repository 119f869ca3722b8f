package flow

import (
	"encoding/json"

	"refundsync/internal/packed"
)

// File is one of the files that make up a flow's Version: the flow file, then the CSV files
// of its tables.
type File struct {
	// Name is the path relative to the flow file, with slashes.
	Name string `json:"name"`
	Text string `json:"text,omitempty"`
	// Omitted is the size in bytes of a file whose text was too large to be packed; 0 for
	// one that is there.
	Omitted int `json:"omitted,omitempty"`
}

// mostPacked bounds packed files in bytes: as JSON they take a third more, and Temporal
// refuses payloads over 2 MiB.
const mostPacked = 1400 << 10

// PackFiles packs the files of a version. If they are too large, the largest tables are left
// out, and omitted names them.
func PackFiles(files []File) (data []byte, omitted []string, err error) {
	files = append([]File(nil), files...)
	for {
		raw, err := json.Marshal(files)
		if err != nil {
			return nil, nil, err
		}
		data = packed.Pack(raw)
		largest := 0
		for i := range files {
			if i > 0 && (largest == 0 || len(files[i].Text) > len(files[largest].Text)) {
				largest = i
			}
		}
		if len(data) <= mostPacked || largest == 0 || files[largest].Text == "" {
			return data, omitted, nil
		}
		omitted = append(omitted, files[largest].Name)
		files[largest] = File{Name: files[largest].Name, Omitted: len(files[largest].Text)}
	}
}

// UnpackFiles reverses PackFiles.
func UnpackFiles(data []byte) ([]File, error) {
	raw, err := packed.Unpack(data)
	if err != nil {
		return nil, err
	}
	var files []File
	return files, json.Unmarshal(raw, &files)
}
