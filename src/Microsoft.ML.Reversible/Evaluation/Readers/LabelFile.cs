using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>The file with the labels of rows that have none, one per line. It is opened when the first label is read.</summary>
/// <param name="rowsPath">The file of the rows.</param>
/// <param name="givenPath">The file of the labels; null for the one next to the rows, such as <c>valid-labels.lst</c>.</param>
internal sealed class LabelFile(string rowsPath, string? givenPath) : IDisposable
{
    private IEnumerator<SourceLine>? _lines;

    private readonly string _path = givenPath ?? Path.Combine(
        Path.GetDirectoryName(rowsPath) ?? "", Path.GetFileNameWithoutExtension(rowsPath) + "-labels.lst");

    /// <summary>Reads the next row's label.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">There are fewer labels than rows.</exception>
    public Label Next()
    {
        if (_lines is null && !File.Exists(_path))
            throw new FileNotFoundException(
                $"The rows of {rowsPath} have no labels, and there is no file '{_path}' with them. Give its path.", _path);
        _lines ??= SourceFile.Lines(_path).Where(line => line.Text.Trim().Length > 0).GetEnumerator();
        return _lines.MoveNext()
            ? new Label(_lines.Current)
            : throw new InvalidDataException($"{_path} has fewer labels than {rowsPath} has rows.");
    }

    /// <summary>Checks, after the last row, that all labels were used.</summary>
    /// <exception cref="InvalidDataException">Labels are left over, or the given file was not needed.</exception>
    public void End()
    {
        if (_lines is null && givenPath is not null)
            throw new InvalidDataException(
                $"The rows of {rowsPath} have their labels, so those of {givenPath} are not used. Leave them out.");
        if (_lines?.MoveNext() == true) throw _lines.Current.Broken($"there are more labels than {rowsPath} has rows.");
    }

    public void Dispose() => _lines?.Dispose();

    /// <summary>One label.</summary>
    internal readonly record struct Label(SourceLine Line)
    {
        /// <summary>The label without white space around it.</summary>
        public string Text => Line.Text.Trim();

        /// <summary>Returns the label as the index of a choice.</summary>
        public int Index(int choices) => JsonRow.IndexOf(Text, choices)
            ?? throw Line.Broken($"the label is '{SourceLine.Shown(Text)}', but must be one of 0 to {choices - 1}.");
    }
}
