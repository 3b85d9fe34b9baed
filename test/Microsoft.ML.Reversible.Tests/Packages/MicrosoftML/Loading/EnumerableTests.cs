using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.Loading;

[TestClass]
public class EnumerableTests
{
    private static readonly Row[] _rows =
    [
        new() { Text = "one", Number = 1, Values = [1, 2], Class = 0, Ignored = 5 },
        new() { Text = null, Number = 2, Values = [3, 4], Class = 2 },
        new() { Text = "three", Number = 3, Values = [5, 6], Class = 9 },
    ];

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void MembersBecomeColumnsAsTheirAttributesSay()
    {
        var schema = _ml.Data.LoadFromEnumerable(_rows).Schema;

        CollectionAssert.AreEquivalent(new[] { "Text", "Number", "Features", "Class" }, schema.Select(c => c.Name).ToArray());
        Assert.AreEqual(TextDataViewType.Instance, schema["Text"].Type);
        Assert.AreEqual(NumberDataViewType.Int32, schema["Number"].Type);
        Assert.IsTrue(schema["Features"].Type.Equals(new VectorDataViewType(NumberDataViewType.Single, 2)));
        Assert.IsTrue(schema["Class"].Type.Equals(new KeyDataViewType(typeof(uint), 3)));
    }

    [TestMethod]
    public void AKeyMemberCountsFromZeroAndItsColumnFromOne()
    {
        CollectionAssert.AreEqual(new uint[] { 1, 3, 0 }, _ml.Data.LoadFromEnumerable(_rows).GetColumn<uint>("Class").ToArray());
    }

    [TestMethod]
    public void ANullTextIsEmpty()
    {
        CollectionAssert.AreEqual(new[] { "one", "", "three" }, _ml.Data.LoadFromEnumerable(_rows).GetColumn<string>("Text").ToArray());
    }

    [TestMethod]
    public void ObjectsComeBackAsTheyWentIn()
    {
        var back = _ml.Data.CreateEnumerable<Back>(_ml.Data.LoadFromEnumerable(_rows), reuseRowObject: false).ToArray();

        Assert.AreEqual("three", back[2].Text);
        Assert.AreEqual(3, back[2].Number);
        CollectionAssert.AreEqual(new[] { 5f, 6f }, back[2].Features);
        CollectionAssert.AreEqual(new[] { 1f, 2f }, back[0].Features);
    }

    [TestMethod]
    public void AReusedRowObjectIsOneObject()
    {
        var rows = _ml.Data.CreateEnumerable<Back>(_ml.Data.LoadFromEnumerable(_rows), reuseRowObject: true).ToArray();

        Assert.AreSame(rows[0], rows[2]);
    }

    [TestMethod]
    public void AMissingColumnThrowsUnlessIgnored()
    {
        var data = _ml.Data.LoadFromEnumerable(new[] { new { Text = "a" } });

        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.CreateEnumerable<Back>(data, reuseRowObject: false).ToArray());
        var row = _ml.Data.CreateEnumerable<Back>(data, reuseRowObject: false, ignoreMissingColumns: true).Single();
        Assert.AreEqual("a", row.Text);
        Assert.AreEqual(0, row.Number);
    }

    [TestMethod]
    public void AColumnOfAnotherTypeCannotBeBound()
    {
        var data = _ml.Data.LoadFromEnumerable(new[] { new { Text = "a", Number = 1f, Features = new[] { 1f } } });

        Assert.ThrowsExactly<InvalidOperationException>(() => _ml.Data.CreateEnumerable<Back>(data, reuseRowObject: false).ToArray());
    }

    [TestMethod]
    public void ADefinitionNamesTypesAndAnnotatesColumnsAtRunTime()
    {
        var definition = SchemaDefinition.Create(typeof(Back));
        definition["Features"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, 2);
        definition["Features"].AddAnnotation("SlotNames", new VBuffer<ReadOnlyMemory<char>>(2, ["x".AsMemory(), "y".AsMemory()]),
            new VectorDataViewType(TextDataViewType.Instance, 2));
        definition["Text"].ColumnName = "Story";

        var data = _ml.Data.LoadFromEnumerable(new[] { new Back { Text = "a", Features = [1, 2] } }, definition);

        Assert.AreEqual("a", data.GetColumn<string>("Story").Single());
        Assert.IsTrue(data.Schema["Features"].HasSlotNames());
        Assert.IsNull(data.Schema.GetColumnOrNull("Text"));
    }

    [TestMethod]
    public void TheCountIsKnownForAListAndNotForASequence()
    {
        Assert.AreEqual(3L, _ml.Data.LoadFromEnumerable(_rows.ToList()).GetRowCount());
        Assert.IsNull(_ml.Data.LoadFromEnumerable(_rows.Where(r => r.Number > 0)).GetRowCount());
    }

    private sealed class Row
    {
        public string? Text { get; set; }

        public int Number { get; set; }

        [ColumnName("Features"), VectorType(2)]
        public float[] Values { get; set; } = [];

        [KeyType(3)]
        public uint Class { get; set; }

        [NoColumn]
        public int Ignored { get; set; }
    }

    private sealed class Back
    {
        public string Text { get; set; } = "";

        public int Number { get; set; }

        public float[] Features { get; set; } = [];
    }
}
