namespace Microsoft.ML.Data;

public sealed class CompositeLoaderEstimator<TSource, TLastTransformer>
    : IDataLoaderEstimator<TSource, CompositeDataLoader<TSource, TLastTransformer>>
    where TLastTransformer : class, ITransformer
{
    private readonly IDataLoaderEstimator<TSource, IDataLoader<TSource>> _start;
    private readonly EstimatorChain<TLastTransformer> _chain;

    public CompositeLoaderEstimator(IDataLoaderEstimator<TSource, IDataLoader<TSource>> start,
        EstimatorChain<TLastTransformer> estimatorChain = null)
    {
        ArgumentNullException.ThrowIfNull(start);
        _start = start;
        _chain = estimatorChain ?? new EstimatorChain<TLastTransformer>();
    }

    public CompositeDataLoader<TSource, TLastTransformer> Fit(TSource input)
    {
        var loader = _start.Fit(input);
        return new CompositeDataLoader<TSource, TLastTransformer>(loader, _chain.Fit(loader.Load(input)));
    }

    public SchemaShape GetOutputSchema() => _chain.GetOutputSchema(_start.GetOutputSchema());

    public CompositeLoaderEstimator<TSource, TNewTrans> Append<TNewTrans>(IEstimator<TNewTrans> estimator)
        where TNewTrans : class, ITransformer
    {
        ArgumentNullException.ThrowIfNull(estimator);
        return new CompositeLoaderEstimator<TSource, TNewTrans>(_start, _chain.Append(estimator));
    }
}

public sealed class CompositeDataLoader<TSource, TLastTransformer> : IDataLoader<TSource>, IDisposable
    where TLastTransformer : class, ITransformer
{
    public readonly IDataLoader<TSource> Loader;
    public readonly TransformerChain<TLastTransformer> Transformer;

    public CompositeDataLoader(IDataLoader<TSource> loader, TransformerChain<TLastTransformer> transformerChain = null)
    {
        ArgumentNullException.ThrowIfNull(loader);
        Loader = loader;
        Transformer = transformerChain ?? new TransformerChain<TLastTransformer>();
    }

    public IDataView Load(TSource input) => Transformer.Transform(Loader.Load(input));

    public DataViewSchema GetOutputSchema() => Transformer.GetOutputSchema(Loader.GetOutputSchema());

    public CompositeDataLoader<TSource, TNewLast> AppendTransformer<TNewLast>(TNewLast transformer)
        where TNewLast : class, ITransformer
        => new(Loader, Transformer.Append(transformer));

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ctx.Begin(ModelLoaders.CompositeLoader);
        ctx.SaveModel(Loader, CompositeLoaderParts.Loader);
        ctx.SaveModel(Transformer, CompositeLoaderParts.Transformer);
    }

    public void Dispose() => Transformer.Dispose();
}

internal sealed class TrivialLoaderEstimator<TSource>(IDataLoader<TSource> loader) : IDataLoaderEstimator<TSource, IDataLoader<TSource>>
{
    public IDataLoader<TSource> Fit(TSource input) => loader;

    public SchemaShape GetOutputSchema() => SchemaShape.Create(loader.GetOutputSchema());
}

internal static class CompositeLoaderParts
{
    public const string Loader = "Loader";
    public const string Transformer = "Transformer";

    public static object Load(ModelLoadContext ctx) => new CompositeDataLoader<IMultiStreamSource, ITransformer>(
        ctx.Load<IDataLoader<IMultiStreamSource>>(Loader), (TransformerChain<ITransformer>)ctx.Load<ITransformer>(Transformer));
}
