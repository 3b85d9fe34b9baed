using System.Text.Json;

namespace Microsoft.ML.Reversible.Tests;

/// <summary>Small files of benchmarks in the layouts in which they are published, with questions about the corpus.</summary>
internal static class ZeroShotFiles
{
    private static readonly string[] _colours = ["red", "blue", "brown"];

    /// <summary>Writes rows of PIQA, each with its label.</summary>
    public static void WritePiqa(string path, int rows, int first = 0) =>
        File.WriteAllLines(path, Enumerable.Range(first, rows).Select(i => JsonSerializer.Serialize(new
        {
            goal = $"the {_colours[i % 3]} fox number {i % 10}",
            sol1 = $"jumps over the {_colours[(i + 1 + i / 4) % 3]} dog",
            sol2 = $"sleeps {i} days",
            label = i / 2 % 2,
        })));

    /// <summary>Writes rows of ARC with three to five choices, whose labels are letters or digits.</summary>
    public static void WriteArc(string path, int rows) =>
        File.WriteAllLines(path, Enumerable.Range(0, rows).Select(i =>
        {
            string[] labels = [.. (i % 2 == 0 ? "ABCDE" : "12345")[..(3 + i % 3)].Select(label => label.ToString())];
            return JsonSerializer.Serialize(new
            {
                id = $"row {i}",
                question = new
                {
                    stem = $"over which dog jumps fox {i}?",
                    choices = labels.Select((label, k) => new { text = $"the {_colours[(i + k) % 3]} dog{new string('s', k)}", label }),
                },
                answerKey = labels[i * 2 % labels.Length],
            });
        }));

    /// <summary>Writes a file for each subject of MMLU.</summary>
    public static void WriteMmlu(string folder, string split, int rows)
    {
        string files = Directory.CreateDirectory(Path.Combine(folder, split)).FullName;
        foreach (ZeroShotTask task in ZeroShotTasks.InGroup("mmlu"))
        {
            string subject = task.Name["mmlu_".Length..];
            File.WriteAllLines(Path.Combine(files, $"{subject}_{split}.csv"), Enumerable.Range(0, rows).Select(i =>
                $"\"Which fox, of {subject.Length + i}?\",red,blue,brown,none,{"ABCD"[(i + subject.Length) % 4]}"));
        }
    }
}
