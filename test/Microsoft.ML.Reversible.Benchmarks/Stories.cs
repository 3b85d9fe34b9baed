using System.Text.RegularExpressions;
using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>Reads text files in which a story ends with a single line break, and a paragraph with two.</summary>
internal static partial class Stories
{
    /// <summary>Returns the stories of a file.</summary>
    public static string[] Read(FileInfo file) =>
        [.. StoryEnd().Split(File.ReadAllText(file.FullName)).Where(story => !string.IsNullOrWhiteSpace(story))];

    /// <summary>Returns stories as rows of a column Text.</summary>
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
