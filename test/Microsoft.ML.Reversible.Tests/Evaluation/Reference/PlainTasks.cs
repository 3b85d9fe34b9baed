using System.Text.Json;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Reversible.Tests.Evaluation.Reference;

/// <summary>The items of each task from the files, with the prompts of lm-evaluation-harness.</summary>
internal static partial class PlainTasks
{
    private static readonly string[] _letters = ["A", "B", "C", "D"];

    /// <summary>PIQA as published: valid.jsonl beside valid-labels.lst.</summary>
    public static PlainQuestion[] Piqa(string rows, string labels) =>
        [.. Json(rows).Zip(File.ReadLines(labels), (row, label) => PlainQuestion.Of(
            $"Question: {Text(row, "goal")}\nAnswer:", [Text(row, "sol1"), Text(row, "sol2")], int.Parse(label)))];

    /// <summary>Rows of query, choices and gold, whose query lacks an ending.</summary>
    public static PlainQuestion[] Queries(string rows, string ending) =>
        [.. Json(rows).Select(row => PlainQuestion.Of(
            Text(row, "query") + ending,
            row.GetProperty("choices").EnumerateArray().Select(c => c.GetString()!),
            row.GetProperty("gold").GetInt32()))];

    /// <summary>OpenBookQA as published: tab-separated, all the choices in one field.</summary>
    public static PlainQuestion[] OpenBookQa(string rows) =>
        [.. File.ReadLines(rows).Skip(1).Select(line => line.Split('\t')).Select(fields => PlainQuestion.Of(
            fields[1],
            ChoiceMark().Split(fields[2]).Skip(1).Select(choice => choice.Trim()),
            Array.IndexOf(_letters, fields[4].Trim())))];

    /// <summary>Two contexts, one continuation.</summary>
    public static PlainQuestion[] WinoGrande(string rows) =>
        [.. Json(rows).Select(row =>
        {
            string[] contexts = [.. row.GetProperty("context_options").EnumerateArray().Select(c => c.GetString()!)];
            string rest = Text(row, "continuation").Trim();
            return new PlainQuestion(contexts, [rest, rest], [rest, rest], row.GetProperty("gold").GetInt32());
        })];

    /// <summary>The last word after the rest.</summary>
    public static PlainQuestion[] Lambada(string rows) =>
        [.. Json(rows).Select(row => PlainQuestion.Of(Text(row, "context"), [Text(row, "continuation")], 0))];

    /// <summary>A subject of MMLU whose continuations are the letters.</summary>
    public static PlainQuestion[] Mmlu(string rows) =>
        [.. PlainCsv.Read(rows).Select(row => PlainQuestion.Of(
            $"{row[0].Trim()}\nA. {row[1]}\nB. {row[2]}\nC. {row[3]}\nD. {row[4]}\nAnswer:",
            _letters,
            Array.IndexOf(_letters, row[5])))];

    /// <summary>The text before the questions of a subject, with or without examples.</summary>
    public static string MmluDescription(string subject) =>
        $"The following are multiple choice questions (with answers) about {subject.Replace('_', ' ')}.\n\n";

    /// <summary>The text before the questions of a subject whose continuations are the answers.</summary>
    public static string MmluContinuationDescription(string subject) =>
        $"The following are questions (with answers) about {subject.Replace('_', ' ')}.\n\n";

    /// <summary>A subject of MMLU whose continuations are the answers.</summary>
    public static PlainQuestion[] MmluContinuation(string rows) =>
        [.. PlainCsv.Read(rows).Select(row => PlainQuestion.Of(
            $"Question: {row[0].Trim()}\nAnswer:", row[1..5], Array.IndexOf(_letters, row[5])))];

    /// <summary>HellaSwag as published.</summary>
    public static PlainQuestion[] HellaSwag(string rows) =>
        [.. Json(rows).Select(row => PlainQuestion.Of(
            Cleaned($"{Text(row, "activity_label")}: {Text(row, "ctx_a")} {Capitalized(Text(row, "ctx_b"))}"),
            row.GetProperty("endings").EnumerateArray().Select(e => Cleaned(e.GetString()!)),
            row.GetProperty("label") is { ValueKind: JsonValueKind.String } text ? int.Parse(text.GetString()!)
                : row.GetProperty("label").GetInt32()))];

    private static string Cleaned(string text) =>
        Bracketed().Replace(text.Trim().Replace(" [title]", ". "), "").Replace("  ", " ");

    private static string Capitalized(string text) =>
        text.Length == 0 ? "" : char.ToUpperInvariant(text[0]) + text[1..].ToLowerInvariant();

    private static IEnumerable<JsonElement> Json(string path) => File.ReadLines(path).Select(line => JsonElement.Parse(line));

    private static string Text(JsonElement row, string name) => row.GetProperty(name).GetString()!;

    [GeneratedRegex(@"\([A-D]\) ")]
    private static partial Regex ChoiceMark();

    [GeneratedRegex(@"\[.*?\]")]
    private static partial Regex Bracketed();
}
