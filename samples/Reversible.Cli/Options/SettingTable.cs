using System.CommandLine;
using System.Linq.Expressions;
using System.Reflection;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Cli.Options;

/// <summary>
/// Options of the command line that set properties of one object, a line each: name, type and default come from the property.
/// </summary>
/// <param name="defaults">An object with the defaults that the help shows; null takes a new one.</param>
internal sealed class SettingTable<TTarget>(TTarget? defaults = null) where TTarget : class, new()
{
    private readonly TTarget _defaults = defaults ?? new();
    private readonly List<(string Title, List<Option> Options)> _groups = [];
    private readonly List<(string Property, Option Option, Action<ParseResult, TTarget> Apply)> _settings = [];

    /// <summary>The options under their titles.</summary>
    public IReadOnlyList<OptionGroup> Groups => [.. _groups.Select(group => new OptionGroup(group.Title, group.Options))];

    /// <summary>The properties that an option sets.</summary>
    public IReadOnlyList<string> Properties => [.. _settings.Select(setting => setting.Property)];

    /// <summary>Begins a group of the help.</summary>
    public SettingTable<TTarget> Group(string title)
    {
        _groups.Add((title, []));
        return this;
    }

    /// <summary>Adds an option.</summary>
    /// <param name="property">The property that it sets, and whose spelling in kebab case is its name.</param>
    /// <param name="description">What it does, its unit and its range, as a sentence or two.</param>
    /// <param name="placeholder">What stands for its value in the help; null takes what fits the type.</param>
    /// <param name="byDefault">What a default of null comes to, in words.</param>
    /// <param name="alias">Another name.</param>
    /// <param name="alone">The value of the option given without one; null where it needs one.</param>
    /// <param name="required">Whether it must be typed.</param>
    public SettingTable<TTarget> Add<T>(
        Expression<Func<TTarget, T>> property, string description, string? placeholder = null, string? byDefault = null,
        string? alias = null, object? alone = null, bool required = false)
    {
        var info = (PropertyInfo)((MemberExpression)property.Body).Member;
        byDefault ??= OptionValue.Show(info.GetValue(_defaults));
        ArgumentArity arity = typeof(T) == typeof(IReadOnlyList<string>) ? ArgumentArity.OneOrMore
            : alone is null && typeof(T) != typeof(bool) ? ArgumentArity.ExactlyOne
            : ArgumentArity.ZeroOrOne;
        var option = new Option<T?>(Kebab.Option(info.Name), alias is null ? [] : [alias])
        {
            Description = byDefault is null ? description : $"{description} Default: {byDefault}.",
            HelpName = placeholder ?? OptionValue.Placeholder(typeof(T)),
            Required = required,
            Arity = arity,
            CustomParser = result => result.Tokens.Count == 0 && alone is T value ? value : OptionValue.Parse<T>(result),
        };
        return Add(info.Name, option, (value, target) => info.SetValue(target, value));
    }

    /// <summary>Adds an option of one or more values, with blanks between them.</summary>
    /// <param name="property">The property that it sets, and whose spelling in kebab case is its name.</param>
    /// <param name="description">What it does, its unit and its range, as a sentence or two.</param>
    /// <param name="byDefault">What a default of no value comes to, in words.</param>
    public SettingTable<TTarget> AddSeveral<T>(
        Expression<Func<TTarget, IReadOnlyList<T>>> property, string description, string? byDefault = null)
    {
        var info = (PropertyInfo)((MemberExpression)property.Body).Member;
        byDefault ??= string.Join(' ', ((IReadOnlyList<T>)info.GetValue(_defaults)!).Select(value => OptionValue.Show(value)));
        var option = new Option<IReadOnlyList<T>?>(Kebab.Option(info.Name))
        {
            Description = $"{description} Default: {byDefault}.",
            HelpName = OptionValue.Placeholder(typeof(T)) + "...",
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = true,
            CustomParser = OptionValue.ParseAll<T>,
        };
        return Add(info.Name, option, (values, target) => info.SetValue(target, values));
    }

    /// <summary>Adds an option that is more than the spelling of a property's value.</summary>
    /// <param name="property">The property that it sets above all.</param>
    /// <param name="option">The option.</param>
    /// <param name="apply">Sets what it means.</param>
    public SettingTable<TTarget> Add<T>(string property, Option<T> option, Action<T?, TTarget> apply)
    {
        _groups[^1].Options.Add(option);
        _settings.Add((property, option, (parsed, target) => apply(parsed.GetValue(option), target)));
        return this;
    }

    /// <summary>
    /// Adds an option for each property that has none yet, described by the library's own documentation, so that a new property needs no
    /// edit here.
    /// </summary>
    /// <param name="leftOut">Properties that get no option.</param>
    public SettingTable<TTarget> AddOthers(IEnumerable<string> leftOut)
    {
        PropertyInfo[] others =
            [.. typeof(TTarget).GetProperties().Where(p => p.CanWrite && !Properties.Contains(p.Name) && !leftOut.Contains(p.Name))];
        if (others.Length > 0) Group("Other");
        foreach (PropertyInfo property in others)
        {
            ParameterExpression target = Expression.Parameter(typeof(TTarget));
            MethodInfo add = new Func<PropertyInfo, ParameterExpression, SettingTable<TTarget>>(AddDocumented<object>).Method
                .GetGenericMethodDefinition().MakeGenericMethod(property.PropertyType);
            add.Invoke(this, [property, target]);
        }
        return this;
    }

    /// <summary>A new object with what was typed set.</summary>
    public TTarget Read(ParseResult parsed) => Apply(parsed, new());

    /// <summary>Sets what was typed, and leaves the rest as it is.</summary>
    /// <returns>The object.</returns>
    public TTarget Apply(ParseResult parsed, TTarget target)
    {
        foreach ((_, Option option, Action<ParseResult, TTarget> apply) in _settings)
            if (WasTyped(parsed, option)) apply(parsed, target);
        return target;
    }

    /// <summary>Whether the option that sets a property was typed.</summary>
    public bool WasTyped(ParseResult parsed, string property) =>
        WasTyped(parsed, _settings.Single(setting => setting.Property == property).Option);

    /// <summary>Refuses an option that was typed though it has no effect, at its default too.</summary>
    /// <exception cref="UsageException">There is one; the message names it, says why and what to do.</exception>
    public void RefuseTyped(ParseResult parsed, IEnumerable<UnusedOption> unused)
    {
        foreach (UnusedOption one in unused)
        {
            if (Properties.Contains(one.Option) && WasTyped(parsed, one.Option))
                throw new UsageException(one.Message(Kebab.Option(one.Option)));
        }
    }

    private SettingTable<TTarget> AddDocumented<T>(PropertyInfo property, ParameterExpression target) => Add(
        Expression.Lambda<Func<TTarget, T>>(Expression.Property(target, property), target), Documentation.SummaryOf(property),
        byDefault: property.GetValue(_defaults) is null ? "none" : null);

    private static bool WasTyped(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };
}
