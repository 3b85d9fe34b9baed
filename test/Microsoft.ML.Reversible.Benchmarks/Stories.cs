using System.Text.RegularExpressions;
using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>Texts whose stories end with a single line break, and whose paragraphs with two.</summary>
internal static partial class Stories
{
    /// <summary>The stories of a file.</summary>
    public static string[] Read(FileInfo file) =>
        [.. StoryEnd().Split(File.ReadAllText(file.FullName)).Where(story => !string.IsNullOrWhiteSpace(story))];

    /// <summary>Stories as rows of a column Text.</summary>
    public static IDataView View(MLContext ml, IEnumerable<string> stories) =>
        ml.Data.LoadFromEnumerable(stories.Select(story => new Row { Text = story }));

    [GeneratedRegex(@"(?<!\n)\n(?!\n)")]
    private static partial Regex StoryEnd();

    private sealed class Row
    {
        [ColumnName("Text")]
        public string Text { get; set; } = "";
    }
}
