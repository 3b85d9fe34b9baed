using Microsoft.ML.Data;
using Microsoft.ML.Reversible.MLNet;

namespace Microsoft.ML.Reversible.Tests.MLNet;

[TestClass]
public sealed class TokenColumnTests
{
    private readonly MLContext _ml = new(seed: 1);

    private sealed class Signed
    {
        public VBuffer<int> Tokens { get; set; }
    }

    private sealed class Unsigned
    {
        public uint[] Tokens { get; set; } = [];
    }

    private sealed class Fixed
    {
        [VectorType(3)]
        public int[] Tokens { get; set; } = [];
    }

    private sealed class Other
    {
        public float[] Tokens { get; set; } = [];

        public int Scalar { get; set; }
    }

    [TestMethod]
    public void ReadsDenseAndSparseVectorsRowByRow()
    {
        IDataView data = _ml.Data.LoadFromEnumerable<Signed>([
            new() { Tokens = new VBuffer<int>(3, [4, 5, 6]) },
            new() { Tokens = new VBuffer<int>(5, 2, [7, 8], [1, 4]) },
            new() { Tokens = new VBuffer<int>(0, []) },
            new() { Tokens = new VBuffer<int>(1, [9]) },
        ]);

        int[][] rows = [.. TokenColumn.Read(data, "Tokens", 10)];

        Assert.HasCount(4, rows);
        CollectionAssert.AreEqual(new[] { 4, 5, 6 }, rows[0]);
        CollectionAssert.AreEqual(new[] { 0, 7, 0, 0, 8 }, rows[1]);
        Assert.IsEmpty(rows[2]);
        CollectionAssert.AreEqual(new[] { 9 }, rows[3]);
    }

    [TestMethod]
    public void ReadsUnsignedVectorsAndThoseOfFixedLength()
    {
        IDataView unsigned = _ml.Data.LoadFromEnumerable<Unsigned>([new() { Tokens = [1, int.MaxValue - 1] }]);
        CollectionAssert.AreEqual(new[] { 1, int.MaxValue - 1 }, TokenColumn.Read(unsigned, "Tokens", int.MaxValue).Single());
        IDataView sized = _ml.Data.LoadFromEnumerable<Fixed>([new() { Tokens = [1, 2, 3] }]);
        CollectionAssert.AreEqual(new[] { 1, 2, 3 }, TokenColumn.Read(sized, "Tokens", 4).Single());
    }

    [TestMethod]
    [DataRow(-1)]
    [DataRow(10)]
    public void AnIdOutsideTheVocabularyIsRefusedWithItsRowAndTheRange(int id)
    {
        IDataView data = _ml.Data.LoadFromEnumerable<Signed>([
            new() { Tokens = new VBuffer<int>(2, [0, 9]) },
            new() { Tokens = new VBuffer<int>(2, [1, id]) },
        ]);
        AssertRefused(TokenColumn.Read(data, "Tokens", 10), $"Row 1 of column 'Tokens' has the id {id}", "0 to 9");
    }

    [TestMethod]
    public void AnUnsignedIdBeyondInt32IsRefused()
    {
        IDataView data = _ml.Data.LoadFromEnumerable<Unsigned>([new() { Tokens = [uint.MaxValue] }]);
        AssertRefused(TokenColumn.Read(data, "Tokens", 10), "Row 0", uint.MaxValue.ToString());
    }

    [TestMethod]
    [DataRow("Words", "Could not find token column 'Words'")]
    [DataRow("Tokens", "Schema mismatch for token column 'Tokens': expected Vector<Int32> or Vector<UInt32>, got")]
    [DataRow("Scalar", "Schema mismatch for token column 'Scalar': expected Vector<Int32> or Vector<UInt32>, got Int32")]
    public void AnotherColumnIsRefusedAtOnce(string name, string message)
    {
        IDataView data = _ml.Data.LoadFromEnumerable<Other>([new()]);
        var e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => TokenColumn.Read(data, name, 10));
        StringAssert.StartsWith(e.Message, message);

        SchemaShape shape = SchemaShapes.From(data.Schema);
        e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => SchemaErrors.RequireTokens(shape, name, "token"));
        StringAssert.StartsWith(e.Message, message);
    }

    [TestMethod]
    public void AShapeWithIdsIsAccepted()
    {
        foreach (DataViewSchema schema in (DataViewSchema[])[
            _ml.Data.LoadFromEnumerable<Signed>([]).Schema, _ml.Data.LoadFromEnumerable<Unsigned>([]).Schema,
            _ml.Data.LoadFromEnumerable<Fixed>([]).Schema])
            Assert.AreEqual("Tokens", SchemaErrors.RequireTokens(SchemaShapes.From(schema), "Tokens", "token").Name);
    }

    private static void AssertRefused(IEnumerable<int[]> rows, params string[] parts)
    {
        var e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => rows.Count());
        foreach (string part in parts) StringAssert.Contains(e.Message, part);
    }
}
