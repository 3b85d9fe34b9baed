namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>A line of a file, which knows where it stands so that what is wrong with it can be said.</summary>
/// <param name="Path">The file.</param>
/// <param name="Number">The line's number, counted from 1.</param>
/// <param name="Text">The line without its end.</param>
internal sealed record SourceLine(string Path, int Number, string Text)
{
    private const int MostShown = 80;

    /// <summary>The exception that refuses the line.</summary>
    public InvalidDataException Broken(string problem, Exception? cause = null) => new($"{Path}, line {Number}: {problem}", cause);

    /// <summary>A piece of a line for a message: short, and on one line itself.</summary>
    public static string Shown(string text) => text.Length <= MostShown ? text : string.Concat(text.AsSpan(0, MostShown), "...");
}
