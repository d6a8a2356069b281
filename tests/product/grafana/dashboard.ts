import type { AnnotationQuery, Dashboard as D, Panel as P, RowPanel, DataSourceRef, FieldConfig as FC } from '../node_modules/@grafana/schema/dist/types/raw/dashboard/x/types.gen';
import type { Options as TSO, FieldConfig as TSF } from '../node_modules/@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/types.gen';
import type { Options as StatO } from '../node_modules/@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/types.gen';
import type { Options as BGO } from '../node_modules/@grafana/schema/dist/types/raw/composable/bargauge/panelcfg/x/types.gen';
import type { Options as HMO, FieldConfig as HMF } from '../node_modules/@grafana/schema/dist/types/raw/composable/heatmap/panelcfg/x/types.gen';
import type { Options as TO, FieldConfig as TF } from '../node_modules/@grafana/schema/dist/types/raw/composable/table/panelcfg/x/types.gen';
type Deep<T> = T extends (infer U)[] ? Deep<U>[] : T extends object ? { [K in keyof T]?: Deep<T[K]> } : T;
interface Target { refId: string; expr: string; legendFormat?: string; instant?: boolean; range?: boolean; exemplar?: boolean; format?: 'time_series' | 'table' | 'heatmap'; datasource?: DataSourceRef; hide?: boolean; interval?: string; editorMode?: string }
type Typed<T extends string, O, C> = Omit<P, 'type' | 'options' | 'fieldConfig' | 'targets'> & { type: T; options?: Deep<O>; targets?: Target[]; fieldConfig?: { defaults: Omit<FC, 'custom'> & { custom?: Deep<C> }; overrides: Array<{ matcher: { id: string; options?: any }; properties: Array<{ id: string; value?: any }> }> } };
export type Panel = Typed<'timeseries', TSO, TSF> | Typed<'stat', StatO, {}> | Typed<'bargauge', BGO, {}> | Typed<'heatmap', HMO, HMF> | Typed<'table', TO, TF> | Typed<'text', { content: string; mode?: string }, {}>;
// What the Prometheus data source adds to an annotation.
type PrometheusAnnotation = AnnotationQuery & { expr: string; step?: string; titleFormat?: string; textFormat?: string; tagKeys?: string };
export interface Dashboard extends Omit<D, 'panels' | 'annotations'> { annotations: { list: PrometheusAnnotation[] }; panels: Array<Panel | (Omit<RowPanel, 'panels'> & { panels: Panel[] })> }
