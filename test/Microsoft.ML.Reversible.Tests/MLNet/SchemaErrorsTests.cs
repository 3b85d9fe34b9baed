using Microsoft.ML.Data;
using Microsoft.ML.Reversible.MLNet;

namespace Microsoft.ML.Reversible.Tests.MLNet;

[TestClass]
public sealed class SchemaErrorsTests
{
    [TestMethod]
    public void AMissingColumnIsNamedInTheWordsOfMLNet()
    {
        var inShape = Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => SchemaErrors.RequireText(SchemaShapes.From(Schema()), "Txt", "text"));
        var inSchema = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => SchemaErrors.RequireText(Schema(), "Txt", "text"));

        Assert.AreEqual("inputSchema", inShape.ParamName);
        StringAssert.StartsWith(inShape.Message, "Could not find text column 'Txt'");
        Assert.AreEqual(inShape.Message, inSchema.Message);
    }

    [TestMethod]
    [DataRow("Number", "Single")]
    [DataRow("Key", "Key<UInt32>")]
    [DataRow("Vector", "Vector<String>")]
    [DataRow("Tokens", "VarVector<String>")]
    public void AColumnOfAnotherTypeIsDescribed(string name, string got)
    {
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => SchemaErrors.RequireText(SchemaShapes.From(Schema()), name, "text"));
        Assert.AreEqual("inputSchema", error.ParamName);
        StringAssert.StartsWith(error.Message, $"Schema mismatch for text column '{name}': expected String, got {got}");

        error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => SchemaErrors.RequireText(Schema(), name, "text"));
        StringAssert.StartsWith(error.Message, $"Schema mismatch for text column '{name}': expected String, got {Schema()[name].Type}");
    }

    [TestMethod]
    public void TheTextColumnComesBack()
    {
        Assert.AreEqual("Text", SchemaErrors.RequireText(SchemaShapes.From(Schema()), "Text", "text").Name);
        Assert.AreEqual(0, SchemaErrors.RequireText(Schema(), "Text", "text").Index);
    }

    private static DataViewSchema Schema()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("Text", TextDataViewType.Instance);
        builder.AddColumn("Number", NumberDataViewType.Single);
        builder.AddColumn("Key", new KeyDataViewType(typeof(uint), 5));
        builder.AddColumn("Vector", new VectorDataViewType(TextDataViewType.Instance, 3));
        builder.AddColumn("Tokens", new VectorDataViewType(TextDataViewType.Instance));
        return builder.ToSchema();
    }
}
