using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.ThirdParty;
using Microsoft.ML.Transforms;

namespace Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.Transforms;

[TestClass]
public class ConversionTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly WordsView _data = new("Text", "pear", "apple", "pear", "");

    [TestMethod]
    public void AValueIsLookedUpByItsKeyAndEmptyWhereThereIsNone()
    {
        var map = new[] { new KeyValuePair<string, string>("pear", "green"), new KeyValuePair<string, string>("apple", "red") };

        var transformed = Run(_ml.Transforms.Conversion.MapValue("Colour", map, "Text"));

        CollectionAssert.AreEqual(new[] { "green", "red", "green", "" }, transformed.GetColumn<string>("Colour").ToArray());
    }

    [TestMethod]
    public void ALookupTableLendsItsTypeAndAnnotations()
    {
        var definition = SchemaDefinition.Create(typeof(Entry));
        definition["Values"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, 2);
        definition["Values"].AddAnnotation("SlotNames", new VBuffer<ReadOnlyMemory<char>>(2, ["x".AsMemory(), "y".AsMemory()]),
            new VectorDataViewType(TextDataViewType.Instance, 2));
        var table = _ml.Data.LoadFromEnumerable(
            new[] { new Entry { Key = "pear", Values = [1, 2] }, new Entry { Key = "apple", Values = [3, 4] } }, definition);

        var transformed = Run(_ml.Transforms.Conversion.MapValue("Numbers", table, table.Schema["Key"], table.Schema["Values"], "Text"));

        Assert.IsTrue(transformed.Schema["Numbers"].Type.Equals(new VectorDataViewType(NumberDataViewType.Single, 2)));
        Assert.IsTrue(transformed.Schema["Numbers"].HasSlotNames());
        CollectionAssert.AreEqual(new[] { 3f, 4f }, transformed.GetColumn<float[]>("Numbers").ElementAt(1));
    }

    [TestMethod]
    public void KeysFollowTheOrderOfOccurrenceOrOfTheValues()
    {
        var occurrence = Run(_ml.Transforms.Conversion.MapValueToKey("Key", "Text"));
        var sorted = Run(_ml.Transforms.Conversion.MapValueToKey("Key", "Text",
            keyOrdinality: ValueToKeyMappingEstimator.KeyOrdinality.ByValue));

        CollectionAssert.AreEqual(new uint[] { 1, 2, 1, 0 }, occurrence.GetColumn<uint>("Key").ToArray());
        CollectionAssert.AreEqual(new uint[] { 2, 1, 2, 0 }, sorted.GetColumn<uint>("Key").ToArray());
        VBuffer<ReadOnlyMemory<char>> values = default;
        sorted.Schema["Key"].GetKeyValues(ref values);
        Assert.AreEqual("apple pear", string.Join(' ', values.DenseValues()));
        Assert.IsTrue(sorted.Schema["Key"].HasKeyValues());
    }

    [TestMethod]
    public void KeyDataSetsTheKeysAndTheirOrder()
    {
        var keys = _ml.Data.LoadFromEnumerable(new[] { new { Label = "apple" }, new { Label = "plum" }, new { Label = "pear" } });

        var transformed = Run(_ml.Transforms.Conversion.MapValueToKey("Key", "Text", keyData: keys));

        CollectionAssert.AreEqual(new uint[] { 3, 1, 3, 0 }, transformed.GetColumn<uint>("Key").ToArray());
        Assert.IsTrue(transformed.Schema["Key"].Type.Equals(new KeyDataViewType(typeof(uint), 3)));
    }

    [TestMethod]
    public void KeysTurnBackIntoTheirValues()
    {
        var transformed = Run(_ml.Transforms.Conversion.MapValueToKey("Key", "Text")
            .Append(_ml.Transforms.Conversion.MapKeyToValue("Back", "Key")));

        CollectionAssert.AreEqual(new[] { "pear", "apple", "pear", "" }, transformed.GetColumn<string>("Back").ToArray());
    }

    [TestMethod]
    public void AKeyWithoutValuesCannotTurnBack()
    {
        var data = _ml.Data.LoadFromEnumerable(new[] { new KeyRow() });

        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() =>
            _ml.Transforms.CopyColumns("Copy", "Key").Append(_ml.Transforms.Conversion.MapKeyToValue("Back", "Key")).Fit(data));
    }

    [TestMethod]
    public void NumbersConvertToTheKindAskedFor()
    {
        var data = _ml.Data.LoadFromEnumerable(new[] { new { Number = 3 }, new { Number = -1 } });

        var transformed = _ml.Transforms.Conversion.ConvertType("Real", "Number").Fit(data).Transform(data);

        CollectionAssert.AreEqual(new[] { 3f, -1f }, transformed.GetColumn<float>("Real").ToArray());
    }

    private IDataView Run(IEstimator<ITransformer> estimator) => estimator.Fit(_data).Transform(_data);

    private sealed class Entry
    {
        public string Key { get; set; } = "";

        public float[] Values { get; set; } = [];
    }

    private sealed class KeyRow
    {
        [KeyType(3)]
        public uint Key { get; set; }
    }
}
