using System.Reflection;
using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>
/// A benchmark of lm-evaluation-harness: its tasks and the layouts of its published files. To add one, add a file to this folder with a
/// private class in <see cref="ZeroShotTasks"/> that derives from <see cref="Benchmark{TRow}"/>; no list of benchmarks needs an edit.
/// </summary>
internal abstract class Benchmark
{
    /// <summary>The harness's version of the tasks, which the table of results shows.</summary>
    public virtual string Version => "1";

    /// <summary>Creates the tasks. Called once.</summary>
    public abstract IEnumerable<ZeroShotTask> MakeTasks();

    /// <summary>Reads a published file as the columns of its task.</summary>
    /// <exception cref="ArgumentException">The benchmark has no file of labels, and one is given.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not the task's, or is damaged; the message names the line.</exception>
    public abstract IDataView Load(MLContext context, ZeroShotTask task, string path, string? labelsPath);
}

/// <summary>A benchmark whose rows are of one type.</summary>
/// <typeparam name="TRow">
/// The row. Its public properties are the columns, named by <see cref="ColumnNameAttribute"/>: <see cref="string"/>,
/// <see cref="string"/> arrays and <see cref="int"/>.
/// </typeparam>
internal abstract class Benchmark<TRow> : Benchmark
    where TRow : class, new()
{
    private static readonly (PropertyInfo Property, string Name)[] _properties =
    [
        .. SchemaDefinition.Create(typeof(TRow)).Select(column => (typeof(TRow).GetProperty(column.MemberName)!, column.ColumnName)),
    ];

    /// <summary>The columns that the tasks read.</summary>
    protected static IEnumerable<ZeroShotColumn> Columns => _properties.Select(p => p.Property.PropertyType switch
    {
        Type t when t == typeof(string) => ZeroShotColumn.Text(p.Name),
        Type t when t == typeof(string[]) => ZeroShotColumn.Texts(p.Name),
        _ => ZeroShotColumn.Integer(p.Name),
    });

    /// <summary>Whether the answers may be in a separate file.</summary>
    protected virtual bool HasLabelFile => false;

    /// <inheritdoc/>
    public sealed override IDataView Load(MLContext context, ZeroShotTask task, string path, string? labelsPath)
    {
        if (labelsPath is not null && !HasLabelFile)
            throw new ArgumentException($"The rows of task '{task.Name}' have their answers: leave out the labels.", nameof(labelsPath));
        using var labels = new LabelFile(path, labelsPath);
        TRow[] rows = [.. Read(task, path, labels)];
        labels.End();
        return rows.Length > 0
            ? context.Data.LoadFromEnumerable(rows)
            : throw new InvalidDataException($"{path} has no row of task '{task.Name}'.");
    }

    /// <summary>Reads the rows of a published file.</summary>
    /// <param name="task">The task.</param>
    /// <param name="path">The file, or for some tasks a folder.</param>
    /// <param name="labels">The answers, if <see cref="HasLabelFile"/> says that they may be in a separate file.</param>
    protected abstract IEnumerable<TRow> Read(ZeroShotTask task, string path, LabelFile labels);

    /// <summary>Converts a function of the benchmark's row type to one of rows of any data with its columns.</summary>
    /// <param name="toItem">Converts a row and its number to an item.</param>
    protected static Func<ZeroShotRow, ZeroShotItem> Items(Func<TRow, long, ZeroShotItem> toItem) => row => toItem(Of(row), row.Number);

    private static TRow Of(ZeroShotRow row)
    {
        var typed = new TRow();
        foreach ((PropertyInfo property, string name) in _properties)
        {
            property.SetValue(typed, property.PropertyType switch
            {
                Type t when t == typeof(string) => row.Text(name),
                Type t when t == typeof(string[]) => row.Texts(name),
                _ => row.Integer(name),
            });
        }
        return typed;
    }
}
