using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.Schema;

[TestClass]
public class DataViewSchemaTests
{
    [TestMethod]
    public void ALaterColumnOfTheSameNameHidesTheEarlier()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("A", NumberDataViewType.Single);
        builder.AddColumn("A", TextDataViewType.Instance);
        var schema = builder.ToSchema();

        Assert.AreEqual(2, schema.Count);
        Assert.IsTrue(schema[0].IsHidden);
        Assert.IsFalse(schema[1].IsHidden);
        Assert.AreEqual(1, schema["A"].Index);
    }

    [TestMethod]
    public void AColumnThatIsNotThereIsNullOrThrows()
    {
        var schema = new DataViewSchema.Builder().ToSchema();

        Assert.IsNull(schema.GetColumnOrNull("A"));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => schema["A"]);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => schema[0]);
    }

    [TestMethod]
    public void AnnotationsAreReadByNameAndExactType()
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.AddPrimitiveValue("ScoreColumnKind", TextDataViewType.Instance, "Regression".AsMemory());
        annotations.Add("SlotNames", new VectorDataViewType(TextDataViewType.Instance, 2), (ref VBuffer<ReadOnlyMemory<char>> names) =>
            names = new VBuffer<ReadOnlyMemory<char>>(2, ["x".AsMemory(), "y".AsMemory()]));
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("Score", new VectorDataViewType(NumberDataViewType.Single, 2), annotations.ToAnnotations());
        var column = builder.ToSchema()["Score"];

        ReadOnlyMemory<char> kind = default;
        column.Annotations.GetValue("ScoreColumnKind", ref kind);
        VBuffer<ReadOnlyMemory<char>> slots = default;
        column.GetSlotNames(ref slots);

        Assert.AreEqual("Regression", kind.ToString());
        Assert.IsTrue(column.HasSlotNames());
        Assert.AreEqual("x y", string.Join(' ', slots.DenseValues()));
        var number = 0f;
        Assert.ThrowsExactly<InvalidOperationException>(() => column.Annotations.GetValue("ScoreColumnKind", ref number));
        Assert.ThrowsExactly<InvalidOperationException>(() => column.Annotations.GetValue("Absent", ref kind));
    }

    [TestMethod]
    public void KeyValuesFitAKeyOfTheirCount()
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add("KeyValues", new VectorDataViewType(TextDataViewType.Instance, 2), (ref VBuffer<ReadOnlyMemory<char>> names) =>
            names = new VBuffer<ReadOnlyMemory<char>>(2, ["no".AsMemory(), "yes".AsMemory()]));
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("Right", new KeyDataViewType(typeof(uint), 2), annotations.ToAnnotations());
        builder.AddColumn("Wrong", new KeyDataViewType(typeof(uint), 3), annotations.ToAnnotations());
        var schema = builder.ToSchema();

        Assert.IsTrue(schema["Right"].HasKeyValues());
        Assert.IsFalse(schema["Wrong"].HasKeyValues());
        Assert.IsFalse(schema["Right"].HasSlotNames());
        Assert.IsFalse(schema["Right"].IsNormalized());
    }

    [TestMethod]
    public void TypesSayWhatTheyHold()
    {
        Assert.AreEqual("String", TextDataViewType.Instance.ToString());
        Assert.AreEqual("Single", NumberDataViewType.Single.ToString());
        Assert.AreEqual("Key<UInt32, 0-4>", new KeyDataViewType(typeof(uint), 5).ToString());
        Assert.AreEqual("Vector<Single, 3>", new VectorDataViewType(NumberDataViewType.Single, 3).ToString());
        Assert.AreEqual(typeof(ReadOnlyMemory<char>), TextDataViewType.Instance.RawType);
        Assert.AreEqual(typeof(VBuffer<float>), new VectorDataViewType(NumberDataViewType.Single, 3).RawType);
        Assert.IsFalse(new VectorDataViewType(NumberDataViewType.Single).IsKnownSize);
    }

    [TestMethod]
    public void VectorTypesAreEqualByItemAndDimensions()
    {
        var three = new VectorDataViewType(NumberDataViewType.Single, 3);

        Assert.IsTrue(three.Equals(new VectorDataViewType(NumberDataViewType.Single, 3)));
        Assert.IsFalse(three.Equals(new VectorDataViewType(NumberDataViewType.Single, 4)));
        Assert.IsFalse(three.Equals(new VectorDataViewType(NumberDataViewType.Double, 3)));
        Assert.AreEqual(6, new VectorDataViewType(NumberDataViewType.Single, 2, 3).Size);
    }
}
