using Microsoft.ML.Data;
using Microsoft.ML.Reversible.MLNet;

namespace Microsoft.ML.Reversible.Tests.MLNet;

/// <summary>A row of input.</summary>
internal sealed class TextRow
{
    public string Text { get; set; } = "";

    public float Number { get; set; }
}

/// <summary>A row of input with what <see cref="LengthColumns"/> adds.</summary>
internal sealed class LengthRow
{
    public int Length { get; set; }

    public float Half { get; set; }
}

/// <summary>Adds a text's length and half of it, and counts how often it computes them.</summary>
internal sealed class LengthColumns
{
    public int Computed { get; private set; }

    public BatchedColumns<int, int> Batched => new(StartReading, Compute, _ => sizeof(int));

    public AddedColumns<int> Columns(string length = "Length", string half = "Half") =>
        new AddedColumns<int>(["Text"], Batched.StartAlone)
            .Add(length, NumberDataViewType.Int32, (in int output, ref int value) => value = output)
            .Add(half, NumberDataViewType.Single, (in int output, ref float value) => value = output / 2f);

    public IDataView View(MLContext ml, IDataView input, string length = "Length", long mostBytes = 1 << 20) =>
        new BatchedColumnsView<int, int>(ml, input, Columns(length), Batched, maker: null, mostBytes);

    public static IDataView Rows(MLContext ml, params string[] texts)
        => ml.Data.LoadFromEnumerable(texts.Select((text, i) => new TextRow { Text = text, Number = i }));

    private IReadOnlyList<int> Compute(IReadOnlyList<int> lengths)
    {
        Computed += lengths.Count;
        return lengths;
    }

    private static Func<int> StartReading(DataViewRow row)
    {
        ValueGetter<ReadOnlyMemory<char>> getter = row.GetGetter<ReadOnlyMemory<char>>(row.Schema["Text"]);
        ReadOnlyMemory<char> text = default;
        return () =>
        {
            getter(ref text);
            return text.Length;
        };
    }
}
