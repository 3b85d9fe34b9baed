using System.Runtime.InteropServices;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.MLNet;

namespace Microsoft.ML.Reversible.Tests.Packages;

/// <summary>Tests behaviour of ML.NET that its reference does not document, each with the file that relies on it.</summary>
[TestClass]
public sealed class MLNetContractTests
{
    /// <summary>
    /// MLNet/SchemaShapes: the constructor of a shape's column is internal, but the output shape of any estimator has columns.
    /// </summary>
    [TestMethod]
    public void AnEstimatorAddsItsColumnBehindThoseOfTheInput()
    {
        var ml = new MLContext(seed: 1);
        IDataView rows = ml.Data.LoadFromEnumerable([new Row { Text = "a" }]);
        SchemaShape shape = ml.Transforms.CopyColumns("Copy", nameof(Row.Text)).GetOutputSchema(
            SchemaShapes.From(rows.Schema));
        CollectionAssert.AreEqual(new[] { "Text", "Copy" }, shape.Select(column => column.Name).ToArray());
    }

    /// <summary>Language/PortableScoreMapping finds the model by the buffer that a value mapping returns for every row.</summary>
    [TestMethod]
    public void AValueMappingHandsOnTheSameBufferForEveryRow()
    {
        var ml = new MLContext(seed: 1);
        IDataView rows = ml.Data.LoadFromEnumerable([new Row { Text = "m" }, new Row { Text = "m" }]);
        IDataView mapped = ml.Transforms.Conversion.MapValue("State", [new KeyValuePair<string, string>("m", "weights")], nameof(Row.Text))
            .Fit(rows).Transform(rows);

        ReadOnlyMemory<char>[] values = [.. mapped.GetColumn<ReadOnlyMemory<char>>("State")];

        Assert.IsTrue(MemoryMarshal.TryGetString(values[0], out string? first, out _, out _));
        Assert.IsTrue(MemoryMarshal.TryGetString(values[1], out string? second, out _, out _));
        Assert.AreSame(first, second);
    }

    /// <summary>MLNet/TextColumn: a missing text reads as an empty one.</summary>
    [TestMethod]
    public void ANullTextIsAnEmptyOne()
    {
        IDataView rows = new MLContext(seed: 1).Data.LoadFromEnumerable([new Row { Text = null! }]);
        Assert.AreEqual("", rows.GetColumn<string>(nameof(Row.Text)).Single());
    }

    private sealed class Row
    {
        public string Text { get; set; } = "";
    }
}
