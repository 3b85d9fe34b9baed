namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>
/// The labels of rows that hold none, one in each line of a file beside theirs; it is opened when the first is asked for.
/// </summary>
/// <param name="rowsPath">The rows' file; <c>valid.jsonl</c> has its labels in <c>valid-labels.lst</c>.</param>
/// <param name="givenPath">The labels' file, if it is another.</param>
internal sealed class LabelFile(string rowsPath, string? givenPath) : IDisposable
{
    private IEnumerator<SourceLine>? _lines;

    private readonly string _path = givenPath ?? Path.Combine(
        Path.GetDirectoryName(rowsPath) ?? "", Path.GetFileNameWithoutExtension(rowsPath) + "-labels.lst");

    /// <summary>The next row's label.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">There are fewer labels than rows.</exception>
    public Label Next()
    {
        if (_lines is null && !File.Exists(_path))
            throw new FileNotFoundException(
                $"The rows of {rowsPath} hold no labels, and there is no file '{_path}' with them: name it.", _path);
        _lines ??= SourceFile.Lines(_path).Where(line => line.Text.Trim().Length > 0).GetEnumerator();
        return _lines.MoveNext()
            ? new Label(_lines.Current)
            : throw new InvalidDataException($"{_path} has fewer labels than {rowsPath} has rows.");
    }

    /// <summary>Says that all rows have been read.</summary>
    /// <exception cref="InvalidDataException">There are labels left, or the file that was named has not been needed.</exception>
    public void End()
    {
        if (_lines is null && givenPath is not null)
            throw new InvalidDataException(
                $"The rows of {rowsPath} hold their labels, so those of {givenPath} have no use: leave them out.");
        if (_lines?.MoveNext() == true) throw _lines.Current.Broken($"there are more labels than {rowsPath} has rows.");
    }

    public void Dispose() => _lines?.Dispose();

    /// <summary>A label.</summary>
    internal readonly record struct Label(SourceLine Line)
    {
        /// <summary>The label's text, without blanks.</summary>
        public string Text => Line.Text.Trim();

        /// <summary>The label as the index of one of several choices.</summary>
        public int Index(int choices) => JsonRow.IndexOf(Text, choices)
            ?? throw Line.Broken($"the label is '{SourceLine.Shown(Text)}', but must be one of 0 to {choices - 1}.");
    }
}
