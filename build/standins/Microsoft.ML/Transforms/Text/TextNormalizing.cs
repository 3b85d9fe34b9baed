using System.Globalization;
using System.Text;
using Microsoft.ML.Data;

namespace Microsoft.ML.Transforms.Text;

public sealed class TextNormalizingEstimator : TrivialEstimator<TextNormalizingTransformer>
{
    private readonly InputOutputColumnPair _pair;

    internal TextNormalizingEstimator(InputOutputColumnPair pair, CaseMode mode, bool keepDiacritics, bool keepPunctuations,
        bool keepNumbers)
        : base(new TextNormalizingTransformer([pair], mode, keepDiacritics, keepPunctuations, keepNumbers))
        => _pair = pair;

    public enum CaseMode
    {
        Lower = 0,
        Upper = 1,
        None = 2,
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        var column = inputSchema.Find(_pair.InputColumnName);
        if (column.ItemType is not TextDataViewType || column.Kind != SchemaShape.Column.VectorKind.Scalar)
            throw Errors.SchemaMismatch(nameof(inputSchema), "input", column.Name, "String", column.GetTypeString());
        return inputSchema.With(new SchemaShape.Column(_pair.OutputColumnName, column.Kind, TextDataViewType.Instance, false));
    }
}

public sealed class TextNormalizingTransformer : OneToOneTransformerBase
{
    private readonly TextNormalizingEstimator.CaseMode _mode;
    private readonly bool _keepDiacritics;
    private readonly bool _keepPunctuations;
    private readonly bool _keepNumbers;

    internal TextNormalizingTransformer(InputOutputColumnPair[] columns, TextNormalizingEstimator.CaseMode mode, bool keepDiacritics,
        bool keepPunctuations, bool keepNumbers) : base(columns)
    {
        _mode = mode;
        _keepDiacritics = keepDiacritics;
        _keepPunctuations = keepPunctuations;
        _keepNumbers = keepNumbers;
    }

    internal static ITransformer Load(ModelLoadContext ctx)
    {
        var columns = ReadColumns(ctx.Reader);
        var mode = (TextNormalizingEstimator.CaseMode)ctx.Reader.ReadInt32();
        return new TextNormalizingTransformer(columns, mode, ctx.Reader.ReadBoolean(), ctx.Reader.ReadBoolean(), ctx.Reader.ReadBoolean());
    }

    private protected override DataViewSchema.DetachedColumn OutputColumn(int pair, DataViewSchema.Column input)
    {
        if (input.Type is not TextDataViewType)
            throw Errors.SchemaMismatch("inputSchema", "input", input.Name, "String", input.Type.ToString());
        return new(Columns[pair].OutputColumnName, TextDataViewType.Instance);
    }

    private protected override Delegate MakeGetter(int pair, DataViewRow row, DataViewSchema.Column input)
    {
        var getter = row.GetGetter<ReadOnlyMemory<char>>(input);
        return (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) =>
        {
            getter(ref value);
            value = Normalize(value.ToString()).AsMemory();
        });
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        var writer = ctx.Begin(ModelLoaders.NormalizeText);
        WriteColumns(writer);
        writer.Write((int)_mode);
        writer.Write(_keepDiacritics);
        writer.Write(_keepPunctuations);
        writer.Write(_keepNumbers);
    }

    private string Normalize(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var letter in _keepDiacritics ? text : text.Normalize(NormalizationForm.FormD))
        {
            if (!_keepDiacritics && CharUnicodeInfo.GetUnicodeCategory(letter) == UnicodeCategory.NonSpacingMark
                || !_keepPunctuations && char.IsPunctuation(letter) || !_keepNumbers && char.IsNumber(letter))
                continue;
            result.Append(_mode switch
            {
                TextNormalizingEstimator.CaseMode.Lower => char.ToLowerInvariant(letter),
                TextNormalizingEstimator.CaseMode.Upper => char.ToUpperInvariant(letter),
                _ => letter,
            });
        }
        return result.ToString();
    }
}
